"""Files that are whole or not there."""

import os
import stat
import tempfile
from pathlib import Path

from nobody import NOBODY, as_nobody, needs_root

from attendance.ops.files import write_atomically


@needs_root
def test_a_file_that_is_written_anew_keeps_its_owner_and_group(tmp_path: Path) -> None:
    """The configuration belongs to root and is read by the gate's group: a command run as root must not end that."""
    path = tmp_path / "config.json"
    path.write_text("old")
    os.chown(path, NOBODY - 1, NOBODY)
    write_atomically(path, b"new", mode=0o640)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (NOBODY - 1, NOBODY, 0o640)
    assert path.read_bytes() == b"new"


@needs_root
def test_a_file_that_cannot_be_given_away_is_written_all_the_same() -> None:
    """Who may replace a file of somebody else becomes its owner."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "metrics.json")
        path.write_text("old")
        os.chown(folder, NOBODY, NOBODY)
        with as_nobody():
            write_atomically(path, b"new")
        assert (path.read_bytes(), path.stat().st_uid) == (b"new", NOBODY)


def test_a_new_file_belongs_to_who_writes_it(tmp_path: Path) -> None:
    """With its folders, and less the rights that the umask takes away."""
    path = tmp_path / "new" / "metrics.json"
    write_atomically(path, b"new", mode=0o600)
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (os.geteuid(), 0o600)
