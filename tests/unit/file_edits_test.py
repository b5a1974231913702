"""Changes to many files at once: all, or none."""

import pytest

from tools.scaffold.file_edits import EditError, replaced, write_all


def test_all_files_are_written_and_removed(tmp_path):
    (tmp_path / "old" / "deep").mkdir(parents=True)
    gone = tmp_path / "old" / "deep" / "file"
    gone.write_text("x")
    write_all({tmp_path / "new" / "file": "text", gone: None})
    assert (tmp_path / "new" / "file").read_text() == "text"
    assert not (tmp_path / "old").exists()


def test_where_one_cannot_be_written_all_are_as_before(tmp_path):
    kept, in_the_way = tmp_path / "kept", tmp_path / "in-the-way"
    kept.write_bytes(b"before\r\n")
    in_the_way.write_text("a file, where a folder is wanted")
    changes = {kept: "after", tmp_path / "new" / "file": "text", in_the_way / "file": "text"}
    with pytest.raises(EditError, match="nothing is changed"):
        write_all(changes)
    assert kept.read_bytes() == b"before\r\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in-the-way", "kept"]


def test_what_is_not_there_to_be_replaced_is_named():
    with pytest.raises(EditError, match="file has no 'b' any more: change it by hand"):
        replaced("a", "b", "c", "file")
