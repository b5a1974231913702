"""Write an artifact as a folder and as a zip. The same content gives the same bytes.

SAM zips the folder itself, in the order in which the file system lists it. `zip_folder` does the same, so
that SAM and sls deploy identical zips. On one type of file system, folders that are filled in the same order
also list their files in the same order. On another type the bytes of the zip can differ, but not its content.
"""

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from tools.package.uv import build_lock

ZIP_EPOCH = 315532800
"""1980-01-01T00:00:00Z in seconds: the earliest time that a zip can store."""


def publish(built: Path, folder: Path, archive: Path | None = None) -> None:
    """Replace a folder and its zip with a new build. Concurrent builds never mix their files.

    Args:
        built: the folder of the new build.
        folder: the folder to replace; its files get fixed permissions and times.
        archive: the zip to replace; None writes no zip.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        new, zipped = Path(temporary) / "folder", Path(temporary) / "zip"
        _copy(built, new)
        if archive:
            zip_folder(new, zipped)
        with build_lock():
            shutil.rmtree(folder, ignore_errors=True)
            new.rename(folder)
            if archive:
                zipped.replace(archive)


def zip_folder(folder: Path, archive: Path) -> None:
    """Zip a folder as SAM does: make_zip_with_lambda_permissions in samcli/lib/package/utils.py."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent) / name
                entry = zipfile.ZipInfo(str(path.relative_to(folder)))  # dated 1980-01-01
                entry.create_system = 3  # Unix
                entry.external_attr = path.stat().st_mode << 16
                zipped.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def _copy(built: Path, new: Path) -> None:
    """Fill a new folder in sorted order, because some file systems list files in creation order."""
    new.mkdir()
    for path in sorted(built.rglob("*")):
        target = new / path.relative_to(built)
        if path.is_dir():
            target.mkdir()
        else:
            target.write_bytes(path.read_bytes())
    for path in (*new.rglob("*"), new):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (ZIP_EPOCH, ZIP_EPOCH))


def sizes(folder: Path) -> dict[str, int]:
    """Return the size in bytes of each entry of a folder, largest first."""
    found = {
        part.name: sum(path.stat().st_size for path in (part, *part.rglob("*")) if path.is_file())
        for part in folder.iterdir()
    }
    return dict(sorted(found.items(), key=lambda each: -each[1]))
