"""A read-only connection that stays open: opening one costs more than most questions that it is asked."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attendance.errors import StorageError
from attendance.kiosk.store.database import note_damage
from attendance.ops import sqlite


class Reader:
    """Opened at the first look, kept until ``close``, opened anew after an error. For one thread."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._conn: sqlite3.Connection | None = None

    @contextmanager
    def look(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one job.

        Raises:
            StorageError: the database cannot be read.
        """
        try:
            if self._conn is None:
                self._conn = sqlite.connect(self._database, read_only=True)
            yield self._conn
        except sqlite3.Error as error:
            self.close()
            note_damage(self._database, error)
            raise StorageError(
                f"The database {str(self._database)!r} cannot be read ({error}). See `attendance doctor`."
            ) from error

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
