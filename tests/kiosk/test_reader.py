"""The connection that stays open between two looks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from attendance.clock import ManualClock
from attendance.errors import StorageError
from attendance.kiosk.store.database import create_or_migrate, writing
from attendance.kiosk.store.reader import Reader


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "attendance.db"
    create_or_migrate(path, ManualClock(datetime(2026, 6, 8, tzinfo=UTC)).now())
    return path


def test_it_is_one_connection_that_sees_what_others_write(database: Path) -> None:
    """No look holds on to what was there at an earlier one."""
    reader = Reader(database)
    with reader.look() as first:
        assert first.execute("SELECT count(*) FROM meta").fetchone()[0] == 0
    with writing(database) as conn:
        conn.execute("INSERT INTO meta (key, value) VALUES ('a', 'b')")
    with reader.look() as second:
        assert second.execute("SELECT count(*) FROM meta").fetchone()[0] == 1
    assert first is second
    reader.close()


def test_after_an_error_it_is_opened_anew(database: Path) -> None:
    """The error is told, and the next look has a fresh connection; so has the first after ``close``."""
    reader = Reader(database)
    with pytest.raises(StorageError, match="cannot be read"), reader.look() as broken:
        broken.execute("SELECT * FROM nothing")
    with reader.look() as fresh:
        assert fresh is not broken
    reader.close()
    reader.close()
    with reader.look() as again:
        assert again.execute("SELECT 1").fetchone()[0] == 1
    reader.close()


def test_a_database_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """And none is made."""
    with pytest.raises(StorageError), Reader(tmp_path / "none.db").look():
        pass
    assert not (tmp_path / "none.db").exists()
