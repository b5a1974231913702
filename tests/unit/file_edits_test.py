"""Edits of the scaffold: all computed before the first write, and only where git can undo them."""

import subprocess

import pytest

from tools.scaffold.file_edits import EditError, replace_text, require_clean_tree, undo_hint, write_files


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "file").write_text("committed")
    for command in ("init", "add file", "-c user.name=x -c user.email=x@localhost commit --message x"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, capture_output=True, check=True)
    return tmp_path


def test_files_are_written_with_their_folders(tmp_path):
    write_files({tmp_path / "new" / "file": "text"})
    assert (tmp_path / "new" / "file").read_text() == "text"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(EditError, match=r"file: File exists|file/x: Not a directory"):
        write_files({tmp_path / "file" / "x": "text"})


def test_text_to_replace_that_is_missing_is_named():
    with pytest.raises(EditError, match="file: 'b' not found; edit the file by hand"):
        replace_text("a", "b", "c", "file")


@pytest.mark.parametrize("stage", [False, True], ids=["unstaged", "staged"])
def test_uncommitted_changes_are_refused(repository, stage):
    require_clean_tree(repository)
    (repository / "file").write_text("changed")
    if stage:
        subprocess.run(["git", "add", "file"], cwd=repository, check=True)
    with pytest.raises(EditError, match="uncommitted changes: commit or stash them first"):
        require_clean_tree(repository)


def test_untracked_files_are_no_reason_to_refuse(repository):
    (repository / "notes").write_text("untracked")
    require_clean_tree(repository)


def test_the_undo_hint_names_what_is_new(repository):
    assert undo_hint(repository) == "undo: git restore .; once committed: git revert"
    assert undo_hint(repository, ("a", "b/c.py")) == (
        "undo: git restore . && git clean -fdx a b/c.py; once committed: git revert"
    )


def test_outside_a_git_repository_nothing_is_checked(tmp_path):
    require_clean_tree(tmp_path)
    assert undo_hint(tmp_path) == "undo: not possible, since this folder is not in a git repository"


def test_without_git_nothing_is_checked(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))
    (repository / "file").write_text("changed")
    require_clean_tree(repository)
