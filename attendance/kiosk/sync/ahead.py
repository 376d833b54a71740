"""Enters most of a large roster ahead of the transaction that takes it, a little at a time, so that no scan waits.

The whole is judged first, on a copy in memory. What is entered ahead is right by itself: somebody is new, or is
brought up to date. Nobody is taken off and the version stays: whatever ends it, no list is worse for it, and the same
pull comes again.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from attendance.clock import Moment
from attendance.errors import BadInput
from attendance.kiosk.store import centre_refusals, directory, undisputed
from attendance.kiosk.store.centre_cursors import Feed
from attendance.kiosk.store.database import reading
from attendance.kiosk.store.scratch import directory_copy
from attendance.kiosk.sync import applying
from attendance.kiosk.sync.applying import Batch, Limits, TooSmall
from attendance.ops.sqlite import Writer

_Entry = TypeVar("_Entry")
AT_ONCE = 100
"""Students or cards of one transaction: some 10 ms on a PC, and less than a tenth of a second on a slow gate."""


def enter(database: Path, writer: Writer, batch: Batch, limits: Limits, now: Moment) -> Iterator[None]:
    """Enter of the roster what can be entered by itself, and pause after each transaction; the batch keeps the rest.

    A small roster is left to it whole. Of one that cannot be taken nothing is entered, and the batch has the fault.

    Args:
        batch: its rules are here already, so that nobody who is to be forgotten is.

    Raises:
        Incomplete: the roster is not whole.
        StorageError: the database refused.
    """
    small = len(batch.students) + len(batch.cards) <= AT_ONCE
    if small or not limits.wanted or Feed.ROSTER in batch.faults:
        return
    with reading(database) as conn:
        if fault := _judged(conn, batch, limits, now):
            batch.faults[Feed.ROSTER] = fault
            return
        students = list(undisputed.students(conn, batch.students))
        cards = [] if undisputed.any_known_card(conn, batch.gone.get("card", ())) else list(batch.cards)
    with suppress(BadInput):  # somebody has just changed the list at this gate: what is left is judged with the rest
        yield from _take(
            writer, batch.students, students, lambda some, conn: directory.take_students(conn, some, (), now)
        )
        if not batch.students:  # else a number may stand for somebody else until the rest is here
            yield from _take(writer, batch.cards, cards, lambda some, conn: directory.take_cards(conn, some, ()))


def _judged(conn: sqlite3.Connection, batch: Batch, limits: Limits, now: Moment) -> BadInput | None:
    """Why the roster cannot be taken.

    Raises:
        Incomplete: it is not whole.
    """
    with directory_copy(conn) as copy:
        applying.enter_roster(copy, batch, limits, now)
        refused = [each for each in centre_refusals.known(copy) if each.what == Feed.ROSTER]
    if not refused:
        return None
    [why] = refused
    return TooSmall(why.students, why.remaining) if why.too_small else BadInput(why.reason)


def _take(
    writer: Writer,
    entries: dict[str, _Entry],
    keys: Sequence[str],
    take: Callable[[Mapping[str, _Entry], sqlite3.Connection], object],
) -> Iterator[None]:
    """Enter those with the keys, a transaction for each ``AT_ONCE``; they are among the entries no longer."""
    for first in range(0, len(keys), AT_ONCE):
        some = {key: entries[key] for key in keys[first : first + AT_ONCE]}
        writer.run(partial(take, some))
        for key in some:
            del entries[key]
        yield
