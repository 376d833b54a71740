"""One pull of the school's directory: its rules and its roster, each judged as a whole, each in one transaction."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from attendance.clock import Moment
from attendance.domain import directory as entries
from attendance.domain import wire
from attendance.domain.contact import Change, Changes
from attendance.errors import BadInput
from attendance.kiosk.store import centre_cursors, centre_refusals, directory, roster
from attendance.kiosk.store.centre_cursors import Feed
from attendance.kiosk.store.centre_refusals import Refusal

_OF_ROSTER = ("student", "card")
SETTINGS = ("schedule", "texts")


class Incomplete(BadInput):
    """Not everything that the centre says it has is here."""


class TooSmall(BadInput):
    """The roster would lose more students than anybody would take off at once.

    Attributes:
        students: who were known before.
        remaining: how many of them would still be.
    """

    def __init__(self, students: int, remaining: int) -> None:
        super().__init__(f"only {remaining} of {students} students would remain")
        self.students = students
        self.remaining = remaining


@dataclass(slots=True)
class Batch:
    """What a pull brought, the last word on each entry.

    Attributes:
        version: of the directory after it.
        whole: the roster was asked for from its beginning.
        students_in_all: how many the centre says there are.
        gone: keys of deleted entries, by kind.
        settings: sections that the centre decides; empty: it no longer does.
        faults: why the roster, or the rules, cannot be taken.
        known: keys of all students who came with it; ``students`` are those who are to be entered yet.
    """

    version: int
    whole: bool
    students_in_all: int
    students: dict[str, wire.Student] = field(default_factory=dict)
    cards: dict[str, entries.Card] = field(default_factory=dict)
    closures: dict[str, entries.Closure] = field(default_factory=dict)
    erasures: dict[str, entries.Erasure] = field(default_factory=dict)
    gone: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, dict[str, object]] = field(default_factory=dict)
    faults: dict[Feed, BadInput] = field(default_factory=dict)
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a roster must have to be believed.

    Attributes:
        wanted: students and cards come from the centre.
        smallest_percent: of the students known before.
        accepted: how many are enough, as a person has said of ``roster`` or ``rules``.
    """

    wanted: bool
    smallest_percent: float
    accepted: Mapping[str, int] = field(default_factory=dict)

    def judge(self, what: str, before: int, remaining: int) -> None:
        """Raises:
        TooSmall: more students would go than anybody would take off at once.
        """
        if remaining == before or remaining >= self.accepted.get(what, before):
            return
        if remaining == 0 or remaining * 100 < self.smallest_percent * before:
            raise TooSmall(before, remaining)


def sort(pages: Sequence[Changes], roster_after: int, rules_after: int) -> Batch:
    """Read what came, entry by entry.

    Args:
        roster_after, rules_after: what this gate has already.
    """
    last = {(change.kind, change.key): change for page in pages for change in page.items}
    batch = Batch(pages[-1].version, roster_after == 0, pages[-1].counts.students)
    for change in last.values():
        feed = Feed.ROSTER if change.kind in _OF_ROSTER else Feed.RULES
        if change.version > (roster_after if feed is Feed.ROSTER else rules_after):
            try:
                _sort_in(batch, change)
            except BadInput as error:
                batch.faults.setdefault(feed, error)
    batch.known = frozenset(batch.students)
    return batch


def _sort_in(batch: Batch, change: Change) -> None:
    if change.kind in SETTINGS:
        batch.settings[change.kind] = {} if change.deleted else change.body
        return
    if change.deleted:
        batch.gone.setdefault(change.kind, []).append(change.key)
        return
    match entries.read(change):
        case wire.Student() as student:
            batch.students[change.key] = student
        case entries.Card() as card:
            batch.cards[change.key] = card
        case entries.Closure() as closure:
            batch.closures[change.key] = closure
        case entries.Erasure() as erasure:
            batch.erasures[change.key] = erasure


def enter_rules(
    conn: sqlite3.Connection,
    batch: Batch,
    refused: Iterable[Refusal],
    limits: Limits,
    erased: Sequence[str],
    remember: Callable[[], None],
    now: Moment,
) -> list[str]:
    """The first transaction: settings, closures and erasures. What cannot be taken is noted, and holds up nothing else.

    Args:
        refused: settings that were found faulty; those that hold stay.
        erased: the keys here of whoever is to be forgotten.
        remember: notes them durably, where no backup that is restored brings them back.

    Returns:
        Paths of photos, relative to the data directory, that the caller deletes after the commit.
    """
    faulty = {each.what for each in refused}
    for what, body in batch.settings.items():
        if what not in faulty:
            directory.set_settings(conn, what, body)
            centre_refusals.settle(conn, what)
    for refusal in refused:
        centre_refusals.keep(conn, refusal, now)
    photos: list[str] = []

    def rules() -> None:
        if erased:
            living = directory.living(conn)
            limits.judge(Feed.RULES, living, living - directory.living(conn, erased))
            remember()
            photos.extend(roster.erase(conn, erased))
            directory.know_erased(conn, erased)
        directory.take_closures(conn, batch.closures, batch.gone.get("closure", ()))

    _take(conn, Feed.RULES, batch, rules, now)
    return photos


def enter_roster(conn: sqlite3.Connection, batch: Batch, limits: Limits, now: Moment) -> None:
    """The last transaction: students and cards, all or none; why none is noted.

    Raises:
        Incomplete: the roster is not whole; nothing was entered.
    """

    def students_and_cards() -> None:
        before = directory.living(conn)
        if batch.whole:
            directory.forget_strangers(conn, batch.known)
        left = directory.take_students(conn, batch.students, batch.gone.get("student", ()), now)
        directory.take_cards(conn, batch.cards, batch.gone.get("card", ()))
        limits.judge(Feed.ROSTER, before, before - left)
        if (here := directory.of_the_centre(conn)) != batch.students_in_all:
            raise Incomplete(f"the centre has {batch.students_in_all} students, and {here} of them came here")

    if limits.wanted:
        _take(conn, Feed.ROSTER, batch, students_and_cards, now)


def _take(conn: sqlite3.Connection, feed: Feed, batch: Batch, work: Callable[[], None], now: Moment) -> None:
    """Take all of a feed, or nothing of it and note why.

    Raises:
        Incomplete: as ``work`` did.
    """
    try:
        if fault := batch.faults.get(feed):
            raise fault
        with directory.attempt(conn):
            work()
    except Incomplete:
        raise
    except BadInput as error:
        counts = (error.students, error.remaining) if isinstance(error, TooSmall) else (0, 0)
        centre_refusals.keep(conn, Refusal(feed, batch.version, str(error), *counts), now)
    else:
        centre_refusals.settle(conn, feed)
        centre_cursors.move(conn, feed, batch.version)
