"""An artefact as a folder and as a zip: from the same content, the same bytes.

SAM zips a folder itself, in the order in which the file system lists it. So that both ways to deploy ship the
same zip, ours is made like SAM's. Folders filled in the same order are listed in the same order on one file
system; on another they may be listed otherwise, and then the zip's bytes differ, though not its content.
"""

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from tools.package.uv import alone

LONG_AGO = 315532800
"""1980-01-01 in UTC, the oldest time that a zip can hold."""


def publish(made: Path, folder: Path, archive: Path | None = None) -> None:
    """Put what was made in place of a folder and of its zip, whole, whoever else builds them meanwhile.

    Args:
        made: the folder with what was made.
        folder: gets the same, with fixed permissions and times.
        archive: gets the zip of it; None: there is to be none.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        new, zipped = Path(temporary) / "folder", Path(temporary) / "zip"
        _copy(made, new)
        if archive:
            zip_folder(new, zipped)
        with alone():
            shutil.rmtree(folder, ignore_errors=True)
            new.rename(folder)
            if archive:
                zipped.replace(archive)


def zip_folder(folder: Path, archive: Path) -> None:
    """Zip a folder as SAM does (samcli/lib/package/utils.py, make_zip_with_lambda_permissions)."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for place, _, names in os.walk(folder):
            for name in names:
                path = Path(place) / name
                entry = zipfile.ZipInfo(str(path.relative_to(folder)))  # of 1980-01-01
                entry.create_system = 3  # Unix
                entry.external_attr = path.stat().st_mode << 16
                zipped.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def _copy(made: Path, new: Path) -> None:
    """Fill a new folder in a fixed order: some file systems list it in that order again."""
    new.mkdir()
    for path in sorted(made.rglob("*")):
        target = new / path.relative_to(made)
        if path.is_dir():
            target.mkdir()
        else:
            target.write_bytes(path.read_bytes())
    for path in (*new.rglob("*"), new):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (LONG_AGO, LONG_AGO))


def sizes(folder: Path) -> dict[str, int]:
    """The bytes of each file or folder directly in a folder, largest first."""
    found = {
        part.name: sum(path.stat().st_size for path in (part, *part.rglob("*")) if path.is_file())
        for part in folder.iterdir()
    }
    return dict(sorted(found.items(), key=lambda each: -each[1]))
