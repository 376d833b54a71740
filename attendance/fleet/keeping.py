"""Writing the rows of a batch so that one which the database refuses holds up none of the others."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from attendance.fleet.batch import CREATED, Batch

Row = TypeVar("Row")


class Doubtful(Exception):
    """Not all rows of a batch could be written at once. Its transaction must not be committed."""


def keep(
    conn: Connection, batch: Batch, rows: Mapping[int, Row], put: Callable[[Sequence[Row]], int]
) -> tuple[dict[int, Row], dict[int, Row]]:
    """Write rows, and answer their items ``created`` or ``rejected``.

    Args:
        rows: by the place of their item in the batch.
        put: writes them and says how many it wrote; the rest were there already.

    Returns:
        Those that were written, and those that were there already and are not answered.

    Raises:
        Doubtful: only one by one can they be judged, and ``batch.one_by_one`` is not set.
    """
    if batch.one_by_one:
        return _one_by_one(conn, batch, rows, put)
    if rows:
        try:
            written = put(list(rows.values()))
        except (DataError, IntegrityError) as error:
            raise Doubtful from error
        if written != len(rows):
            raise Doubtful
    for place in rows:
        batch.results[place] = CREATED
    return dict(rows), {}


def _one_by_one(
    conn: Connection, batch: Batch, rows: Mapping[int, Row], put: Callable[[Sequence[Row]], int]
) -> tuple[dict[int, Row], dict[int, Row]]:
    written, there = {}, {}
    for place, row in rows.items():
        try:
            with conn.begin_nested():
                count = put([row])
        except (DataError, IntegrityError) as error:
            batch.reject(place, f"The database does not take it ({type(error.orig).__name__}).")
            continue
        if count:
            batch.results[place] = CREATED
            written[place] = row
        else:
            there[place] = row
    return written, there
