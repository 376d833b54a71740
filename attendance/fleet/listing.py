"""Which gates a page of the list shows, and in which order: those with problems first, school by school."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from attendance.fleet.sight import STATES, GateInSight

ALL = "all"
PROBLEMS = "problems"
SHOWN_WHOLE = 50
"""Up to so many gates the list begins with all of them; beyond, with those that need somebody."""
ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked to see.

    Attributes:
        show: ``ALL``, ``PROBLEMS`` or one of ``STATES``; anything else: whatever suits the number of gates.
        school_id: empty: of all schools.
        words: all of them must occur in what is known of a gate.
        page: counts from 1.
    """

    show: str = ""
    school_id: str = ""
    words: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Group:
    """A school's gates on this page.

    Attributes:
        counts: of all that fit but for their state, by state.
    """

    school_id: str
    name: str
    counts: dict[str, int]
    rows: Sequence[GateInSight]

    @property
    def sentence(self) -> str:
        """As ``12 gates, 1 with errors, 2 silent``."""
        words = {"error": "with errors", "silent": "silent", "warning": "with warnings"}
        total = sum(self.counts.values())
        parts = [f"{self.counts[state]} {word}" for state, word in words.items() if self.counts.get(state)]
        return ", ".join([f"{total} gate{'' if total == 1 else 's'}", *parts])


@dataclass(frozen=True, slots=True)
class Listing:
    """One page.

    Attributes:
        show: what is shown after all.
        counts: of what fits the words and the school, by state.
        fitting: how many gates the list has over all its pages.
    """

    show: str
    counts: dict[str, int]
    groups: Sequence[Group]
    fitting: int
    page: int
    pages: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def listing(gates: Iterable[GateInSight], question: Question) -> Listing:
    """The page that answers a question.

    Args:
        gates: all that the reader may see.
    """
    named = [gate for gate in gates if _fits(gate, question)]
    counts = _counts(named)
    show = question.show if question.show in (ALL, PROBLEMS, *STATES) else _default(len(named))
    shown = sorted((gate for gate in named if _shown(gate, show)), key=lambda gate: (gate.rank, gate.gate.name))
    of_school: dict[str, list[GateInSight]] = {}
    for gate in shown:
        of_school.setdefault(gate.gate.school_id, []).append(gate)
    # schools are met in the order of their worst gate; those alike by name
    schools = sorted(of_school.values(), key=lambda rows: (rows[0].rank, rows[0].gate.school, rows[0].gate.school_id))
    ordered = [gate for rows in schools for gate in rows]
    pages = max(1, -(-len(ordered) // ON_A_PAGE))
    page = min(max(1, question.page), pages)
    groups = _groups(ordered[(page - 1) * ON_A_PAGE : page * ON_A_PAGE], named)
    return Listing(show, counts, groups, len(ordered), page, pages)


def _default(gates: int) -> str:
    return ALL if gates <= SHOWN_WHOLE else PROBLEMS


def _shown(gate: GateInSight, show: str) -> bool:
    return show == ALL or gate.state == show or (show == PROBLEMS and gate.state != "ok")


def _fits(gate: GateInSight, question: Question) -> bool:
    if question.school_id and gate.gate.school_id != question.school_id:
        return False
    words = question.words.casefold().split()
    return not words or all(word in _text(gate) for word in words)


def _text(gate: GateInSight) -> str:
    known = gate.gate
    problems = " ".join(f"{problem.code} {problem.text}" for problem in gate.problems)
    return f"{known.name} {known.device_id} {known.school} {known.version} {problems}".casefold()


def _groups(rows: Iterable[GateInSight], named: Iterable[GateInSight]) -> list[Group]:
    of_school: dict[str, list[GateInSight]] = {}
    for gate in named:
        of_school.setdefault(gate.gate.school_id, []).append(gate)
    return [
        Group(school_id, of_school[school_id][0].gate.school, _counts(of_school[school_id]), list(members))
        for school_id, members in groupby(rows, key=lambda gate: gate.gate.school_id)
    ]


def _counts(gates: Iterable[GateInSight]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    for gate in gates:
        counts[gate.state] += 1
    return counts
