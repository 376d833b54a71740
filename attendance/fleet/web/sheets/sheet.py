"""What a sheet is made for, and what it is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection

from attendance.fleet.store import gates
from attendance.fleet.store.analytics import Period
from attendance.fleet.store.schools import School

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are texts or numbers; the first of each row names it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Block:
    """Drawings, and the same as numbers."""

    heading: str
    drawings: Sequence[Markup] = ()
    table: Table | None = None
    note: str = ""
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    Attributes:
        head, rows: for a spreadsheet, finer than the tables.
        empty: there is nothing in this time.
    """

    blocks: Sequence[Block]
    head: Sequence[str]
    rows: Iterable[Row] = field(default_factory=tuple)
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What a sheet is made for.

    Attributes:
        names: whoever asks may see names of students.
    """

    conn: Connection
    school: School
    period: Period
    names: bool

    def gate_names(self) -> dict[str, str]:
        return {each.gate_id: each.name for each in gates.of_school(self.conn, self.school.school_id, revoked=True)}
