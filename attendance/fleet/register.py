"""The register of a day: which student was seen in which session, and how many of each section."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from attendance.clock import from_rfc3339
from attendance.domain.scan import Direction, Status
from attendance.domain.student import BOTH_SESSIONS
from attendance.fleet.store.register import Enrolled, Passage

LATE = Status.LATE.value


@dataclass(frozen=True, slots=True)
class Seen:
    """A student in a session; times are local, as ``07:12``, empty without a scan.

    Attributes:
        expected: the student belongs to this session.
        came, left: the first scan in, the last scan out.
    """

    session: str
    expected: bool
    came: str = ""
    left: str = ""
    late: bool = False

    @property
    def present(self) -> bool:
        return bool(self.came or self.left)


@dataclass(frozen=True, slots=True)
class Line:
    """One student."""

    student_id: str
    name: str
    seen: Sequence[Seen]


@dataclass(frozen=True, slots=True)
class Count:
    """Of a section in a session. ``late`` are among the ``present``; ``unseen`` were expected and not seen."""

    session: str
    present: int
    late: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    lines: Sequence[Line]
    counts: Sequence[Count]


@dataclass(frozen=True, slots=True)
class Register:
    """``strangers``: students who were seen and are not in the directory."""

    sessions: Sequence[str]
    sections: Sequence[Section]
    strangers: int


def register(roster: Iterable[Enrolled], passages: Iterable[Passage], zone: tzinfo) -> Register:
    """The register of one day.

    Args:
        passages: of the day, by time.
    """
    of_student: dict[str, list[Passage]] = {}
    for passage in passages:
        of_student.setdefault(passage.student_key, []).append(passage)
    students = list(roster)
    sessions = sorted(
        {each.session for scans in of_student.values() for each in scans}
        | {each.sessions for each in students if each.sessions != BOTH_SESSIONS},
        key=_first_scan(of_student),
    )
    of_section: dict[str, list[Line]] = {}
    for student in students:
        scans = of_student.get(student.student_key, [])
        seen = [_seen(student, session, scans, zone) for session in sessions]
        of_section.setdefault(student.section, []).append(Line(student.student_id, student.name, seen))
    known = {student.student_key for student in students}
    sections = [Section(name, lines, _counts(sessions, lines)) for name, lines in of_section.items()]
    return Register(sessions, sections, sum(1 for key in of_student if key not in known))


def _first_scan(of_student: Mapping[str, Sequence[Passage]]) -> Callable[[str], tuple[str, str]]:
    first: dict[str, str] = {}
    for scans in of_student.values():
        for each in scans:
            first[each.session] = min(first.get(each.session, each.scanned_at), each.scanned_at)
    return lambda session: (first.get(session, "~"), session)


def _seen(student: Enrolled, session: str, scans: Iterable[Passage], zone: tzinfo) -> Seen:
    own = [each for each in scans if each.session == session]
    came = [each for each in own if each.direction == Direction.IN]
    left = [each for each in own if each.direction == Direction.OUT]
    return Seen(
        session,
        student.sessions in (BOTH_SESSIONS, session),
        _local(came[0], zone) if came else "",
        _local(left[-1], zone) if left else "",
        bool(came) and came[0].status == LATE,
    )


def _counts(sessions: Iterable[str], lines: Sequence[Line]) -> list[Count]:
    counts = []
    for place, session in enumerate(sessions):
        seen = [line.seen[place] for line in lines]
        present = sum(1 for each in seen if each.present)
        late = sum(1 for each in seen if each.late)
        counts.append(Count(session, present, late, sum(1 for each in seen if each.expected and not each.present)))
    return counts


def _local(passage: Passage, zone: tzinfo) -> str:
    return f"{from_rfc3339(passage.scanned_at).astimezone(zone):%H:%M}"
