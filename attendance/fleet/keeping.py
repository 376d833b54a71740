"""Writing the rows of a batch so that one which the database refuses holds up none of the others."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from attendance.fleet.batch import CREATED, Batch

Row = TypeVar("Row")


def keep(
    conn: Connection, batch: Batch, rows: Mapping[int, Row], put: Callable[[Sequence[Row]], int]
) -> tuple[dict[int, Row], dict[int, Row]]:
    """Write rows, and answer their items ``created`` or ``rejected``.

    Args:
        rows: by the place of their item in the batch.
        put: writes them and says how many it wrote; the rest were there already.

    Returns:
        Those that were written, and those that were there already and are not answered.
    """
    if not rows:
        return {}, {}
    with suppress(DataError, IntegrityError), conn.begin_nested() as attempt:
        if put(list(rows.values())) == len(rows):
            for place in rows:
                batch.results[place] = CREATED
            return dict(rows), {}
        attempt.rollback()
    return _one_by_one(conn, batch, rows, put)


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
