"""What a school day comes to: who came and went at each gate, which sections were whole, one card at two gates."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from attendance.clock import from_rfc3339
from attendance.domain.directory import Closure
from attendance.domain.scan import Direction, Refusal, Status
from attendance.fleet.store.day_figures import Attended, DayFigures, Flow, Meeting, Passage, RefusedCard
from attendance.fleet.store.rollups import slot
from attendance.fleet.store.spells import Spell
from attendance.fleet.store.stale_days import Totals

TOGETHER_S = 60
"""A card that is seen at two gates within this time was not carried from one to the other."""
HELD_PERCENT = 10
"""A session took place if so many of those who belong to it were seen. Else a rehearsal on a Saturday, or a gate that
was out of order, would make the whole school absent."""
_IN, _LATE, _DUPLICATE = Direction.IN.value, Status.LATE.value, Refusal.DUPLICATE.value


def figures(
    passages: Sequence[Passage],
    refused: Sequence[RefusedCard],
    enrolled: Collection[Spell],
    closures: Iterable[Closure],
    forgotten: Collection[str],
    timezone: str,
) -> DayFigures:
    """Of one day.

    Args:
        enrolled: the spells that cover the day.
        closures: those that cover it.
        forgotten: keys of people who asked for it.
    """
    sections = _sections(passages, enrolled, {each.session for each in closures})
    return DayFigures(
        totals=Totals(
            expected=sum(each.expected for each in sections.values()),
            present=sum(each.present for each in sections.values()),
            late=sum(each.late for each in sections.values()),
            strangers=len({each.student_key for each in passages if not each.known} - set(forgotten)),
        ),
        flows=_flows(passages, timezone),
        refused=Counter((each.gate_id, each.refusal) for each in refused),
        sections=sections,
        meetings=sorted(set(_meetings(passages, refused, forgotten))),
    )


def _flows(passages: Iterable[Passage], timezone: str) -> dict[tuple[str, int], Flow]:
    counted = Counter((each.gate_id, each.at[:16], each.direction, each.status) for each in passages)
    found: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (gate_id, minute, direction, status), count in counted.items():
        flow = found[gate_id, slot(timezone, minute)]
        came = direction == _IN
        flow[0 if came else 1] += count
        flow[2] += count * (came and status == _LATE)
    return {place: Flow(*flow) for place, flow in found.items()}


def _sections(
    passages: Iterable[Passage], enrolled: Collection[Spell], closed: Collection[str]
) -> dict[tuple[str, str], Attended]:
    firsts: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)  # of whoever was seen: time and status of coming
    for each in passages:
        seen = firsts[each.session]
        coming = (each.at, each.status) if each.direction == _IN else _NEVER
        seen[each.student_key] = min(seen.get(each.student_key, _NEVER), coming)
    found: dict[tuple[str, str], Attended] = {}
    for session, seen in firsts.items():
        if session not in closed and "" not in closed:
            found.update(_of_session(session, seen, [each for each in enrolled if each.attends(session)]))
    return found


_NEVER = ("~", "")
"""Sorts after every time."""


def _of_session(
    session: str, seen: Mapping[str, tuple[str, str]], expected: Collection[Spell]
) -> Iterator[tuple[tuple[str, str], Attended]]:
    """Nothing of a session that did not take place."""
    present = [each for each in expected if each.student_key in seen]
    if not present or len(present) * 100 < len(expected) * HELD_PERCENT:
        return
    here = Counter(each.section for each in present)
    late = Counter(each.section for each in present if seen[each.student_key][1] == _LATE)
    for section, count in Counter(each.section for each in expected).items():
        yield (session, section), Attended(count, here[section], late[section])


def _meetings(
    passages: Iterable[Passage], refused: Iterable[RefusedCard], forgotten: Collection[str]
) -> Iterator[Meeting]:
    """A card that was refused because it had just been seen is seen as well."""
    seen: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for each in passages:
        if each.sure:
            seen[each.student_key].append((each.at, each.gate_id))
    for card in refused:
        if card.student_key and card.sure and card.refusal == _DUPLICATE:
            seen[card.student_key].append((card.at, card.gate_id))
    for student_key, times in seen.items():
        if len(times) < 2 or student_key in forgotten:
            continue
        for (first_at, first), (second_at, second) in pairwise(sorted(times)):
            if first != second and _at(second_at) - _at(first_at) <= timedelta(seconds=TOGETHER_S):
                yield Meeting(student_key, first, first_at, second, second_at)


def _at(text: str) -> datetime:
    return from_rfc3339(text)
