"""Nothing is told about an absence if there is any doubt, and every doubt has its name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.absence import (
    LATEST,
    LATEST_CONFIRMED,
    LONGEST_HOLE,
    MOST_HOLES,
    Enrolled,
    Evidence,
    Limits,
    Order,
    Others,
    Passage,
    Plan,
    Reason,
    Span,
    holes,
    plan,
    watched,
)
from attendance.domain.calendar import Closure, ClosureKind
from attendance.domain.message import MessageKind
from attendance.domain.scan import Direction
from attendance.domain.schedule import Schedule, Session
from attendance.domain.student import Student

MONDAY = date(2026, 6, 8)
MORNING = Session("morning", time(7), time(6, 30), time(7, 30), time(11, 30), time(12, 30), timedelta(minutes=15))
AFTERNOON = Session(
    "afternoon", time(13), time(12, 30), time(13, 30), time(16, 30), time(17, 30), timedelta(minutes=15)
)
SCHEDULE = Schedule([MORNING, AFTERNOON], frozenset(range(5)), timedelta(hours=1), timedelta(minutes=5))
LIMITS = Limits(timedelta(minutes=30), 20)
IN, OUT = Direction.IN, Direction.OUT
ABSENCE, NO_CHECKOUT = MessageKind.ABSENCE, MessageKind.NO_CHECKOUT


def at(clock: str, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock))


def students(count: int, session: str = "both", *, settled: bool = True) -> list[Enrolled]:
    return [
        Enrolled(Student(f"k{number}", f"{number}", f"Student {number}", "", session), settled)
        for number in range(count)
    ]


def came(numbers: Sequence[int], session: str = "morning") -> dict[str, list[Passage]]:
    return {f"k{number}": [Passage(session, IN)] for number in numbers}


def judged(**given: Any) -> Plan:
    """Ten students, nine of whom came, on a Monday when it is time and nothing is in doubt; but for what is given."""
    usual: dict[str, Any] = {
        "day": MONDAY,
        "session": MORNING,
        "kind": ABSENCE,
        "now": at("08:00"),
        "schedule": SCHEDULE,
        "closures": [],
        "roster": students(10),
        "passages": came(range(9)),
        "evidence": Evidence(),
        "limits": LIMITS,
    }
    return plan(**{**usual, **given})


def named(found: Plan) -> list[str]:
    return [student.key for student in found.named]


def test_without_doubt_the_missing_one_is_named() -> None:
    """Nine of ten came."""
    found = judged()
    assert (named(found), found.expected, found.reasons) == (["k9"], 10, ())


HOLE = [(at("07:00"), at("07:10"))]


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ({"session": replace(MORNING, login_end=time(6, 30))}, Reason.NO_WINDOW),
        ({"now": at("07:59")}, Reason.NOT_DUE),
        ({"now": at("08:00") + LATEST + timedelta(seconds=1)}, Reason.TOO_LATE),
        ({"day": date(2026, 6, 7), "now": at("08:00", date(2026, 6, 7))}, Reason.NO_CLASSES),
        ({"closures": [Closure(MONDAY, MONDAY, ClosureKind.HOLIDAY, "Feast")]}, Reason.NO_CLASSES),
        ({"closures": [Closure(MONDAY, MONDAY, ClosureKind.SUSPENSION, "Rain", "morning")]}, Reason.NO_CLASSES),
        ({"order": Order.OFF}, Reason.SWITCHED_OFF),
        ({"evidence": Evidence(clock_trusted=False)}, Reason.CLOCK_UNSURE),
        ({"evidence": Evidence(clock_jumped=True)}, Reason.CLOCK_JUMPED),
        ({"evidence": Evidence(holes=HOLE)}, Reason.NOT_PROVEN),
        ({"evidence": Evidence(others=Others.MISSING)}, Reason.OTHER_GATES),
        ({"evidence": Evidence(others=Others.UNPROVEN)}, Reason.OTHERS_UNPROVEN),
        ({"evidence": Evidence(both_ways=False)}, Reason.ONE_WAY),
        ({"roster": []}, Reason.ROSTER_EMPTY),
        ({"roster": students(10, "afternoon")}, Reason.ROSTER_EMPTY),
        ({"roster": students(10, settled=False)}, Reason.ROSTER_FRESH),
        ({"passages": {}}, Reason.NOBODY_CAME),
        ({"passages": came(range(7))}, Reason.TOO_MANY),
    ],
)
def test_each_doubt_alone_holds_everything(given_: dict[str, Any], reason: Reason) -> None:
    """And is the only reason given."""
    assert judged(**given_).reasons == (reason,)


@pytest.mark.parametrize(("order", "reasons"), [(None, (Reason.TOO_MANY,)), (Order.CONFIRM, ()), (Order.OFF, None)])
def test_a_person_s_word(order: Order | None, reasons: tuple[Reason, ...] | None) -> None:
    """A confirmation answers whether so many are right; switching off does not."""
    found = judged(passages=came(range(7)), order=order)
    assert found.reasons == (reasons if reasons is not None else (Reason.SWITCHED_OFF, Reason.TOO_MANY))


def test_a_confirmation_answers_nothing_else() -> None:
    """Who was not seen because the gate was off is not absent because somebody says send."""
    found = judged(order=Order.CONFIRM, evidence=Evidence(holes=HOLE), passages=came(range(7)))
    assert found.reasons == (Reason.NOT_PROVEN,)


def test_a_confirmation_may_come_later() -> None:
    """Until the end of the day."""
    late = at("08:00") + LATEST + timedelta(minutes=1)
    assert judged(now=late, order=Order.CONFIRM).reasons == ()
    assert judged(now=at("08:01") + LATEST_CONFIRMED, order=Order.CONFIRM).reasons == (Reason.TOO_LATE,)


@pytest.mark.parametrize(("missing", "held"), [(20, False), (21, True)])
def test_the_share_counts_above_the_limit(missing: int, held: bool) -> None:
    """20 of 100 are told, 21 are too many."""
    found = judged(roster=students(100), passages=came(range(100 - missing)))
    assert (found.reasons == (Reason.TOO_MANY,)) is held


def test_who_is_new_today_is_not_named() -> None:
    """They may have no card yet; the others are judged all the same."""
    new = Enrolled(Student("new", "n", "New", ""), settled=False)
    found = judged(roster=[*students(10), new])
    assert (named(found), found.expected) == (["k9"], 10)


def test_who_stayed_over_lunch_is_not_absent_in_the_afternoon() -> None:
    """Their last scan is an arrival: they are inside."""
    passages = {f"k{number}": [Passage("morning", IN), Passage("morning", OUT)] for number in range(10)}
    passages["k3"] = [Passage("morning", IN)]
    passages |= {
        f"k{number}": [*passages[f"k{number}"], Passage("afternoon", IN)] for number in (0, 1, 2, 4, 5, 6, 7, 8)
    }
    assert named(judged(session=AFTERNOON, passages=passages, now=at("14:00"))) == ["k9"]


def test_any_scan_of_the_session_is_presence() -> None:
    """Somebody whose arrival was missed and who has left was there."""
    assert named(judged(passages={**came(range(8)), "k8": [Passage("morning", OUT)]})) == ["k9"]


def test_who_has_left_again_has_come() -> None:
    """An early departure is another message."""
    passages = {**came(range(9)), "k9": [Passage("morning", IN), Passage("morning", OUT)]}
    assert named(judged(passages=passages)) == []


def test_who_comes_to_a_later_session_was_not_there_before() -> None:
    """A round that is held until the afternoon does not forget who was missing in the morning."""
    passages = {**came(range(9)), "k9": [Passage("afternoon", IN)]}
    assert named(judged(passages=passages)) == ["k9"]
    assert judged(passages=came(range(10), "afternoon")).reasons == (Reason.NOBODY_CAME,)


def test_who_comes_to_a_session_beside_it_has_come() -> None:
    """Of classes that begin half an hour apart, a student of both passes the gate once."""
    beside = replace(MORNING, name="beside", login_start=time(7), login_end=time(8))
    both = replace(SCHEDULE, sessions=[beside, MORNING])
    passages = {**came(range(9)), "k9": [Passage("beside", IN)]}
    assert named(judged(schedule=both, passages=passages)) == []


def departures(inside: Sequence[int]) -> dict[str, list[Passage]]:
    return {
        f"k{number}": [Passage("afternoon", IN), *([] if number in inside else [Passage("afternoon", OUT)])]
        for number in range(10)
    }


def test_who_is_still_inside_has_not_left() -> None:
    """An arrival without a departure; who never came is not named here."""
    passages = {key: each for key, each in departures([4]).items() if key != "k7"}
    found = judged(session=AFTERNOON, kind=NO_CHECKOUT, passages=passages, now=at("18:00"))
    assert (named(found), found.reasons) == (["k4"], ())


def test_a_departure_is_missed_after_the_last_session_only() -> None:
    """Who stays for the afternoon has not failed to leave at noon."""
    both = judged(kind=NO_CHECKOUT, now=at("13:00"))
    assert (both.expected, both.reasons) == (0, (Reason.LATER_SESSION,))
    morning_only = judged(kind=NO_CHECKOUT, now=at("13:00"), roster=students(10, "morning"), passages=came([3]))
    assert (named(morning_only), morning_only.reasons) == (["k3"], ())
    closed = [Closure(MONDAY, MONDAY, ClosureKind.SUSPENSION, "Storm", "afternoon")]
    assert named(judged(kind=NO_CHECKOUT, now=at("13:00"), closures=closed, passages=came([3]))) == ["k3"]


def test_what_is_watched() -> None:
    """From the window's begin until guardians are told: latecomers count too."""
    assert watched(SCHEDULE, MORNING, MONDAY, ABSENCE, LIMITS.after) == (at("06:30"), at("08:00"))
    assert watched(SCHEDULE, AFTERNOON, MONDAY, ABSENCE, LIMITS.after) == (at("12:30"), at("14:00"))
    night = replace(MORNING, login_start=time(21), login_end=time(22), logout_start=time(5), logout_end=time(6))
    assert watched(replace(SCHEDULE, sessions=[night]), night, MONDAY, NO_CHECKOUT, LIMITS.after) == (
        at("21:00"),
        at("06:30", date(2026, 6, 9)),
    )


def test_a_departure_is_watched_from_the_first_arrivals_of_the_day() -> None:
    """Who leaves early while the gate is off has left all the same; sessions that end later do not matter."""
    assert watched(SCHEDULE, AFTERNOON, MONDAY, NO_CHECKOUT, LIMITS.after) == (at("06:30"), at("18:00"))
    assert watched(SCHEDULE, MORNING, MONDAY, NO_CHECKOUT, LIMITS.after) == (at("06:30"), at("13:00"))


def test_who_was_here_last_in_an_unknown_direction_is_told_of_in_neither_way() -> None:
    """A card that was refused, or shown before the gate knew the time: its student may have come, and may have left."""
    unknown = Passage("", None)
    assert named(judged(passages={**came(range(9)), "k9": [unknown]})) == []
    left = {**departures([4]), "k4": [Passage("afternoon", IN), unknown]}
    assert named(judged(session=AFTERNOON, kind=NO_CHECKOUT, passages=left, now=at("18:00"))) == []
    gone = {**came(range(9), "afternoon"), "k9": [unknown, Passage("morning", OUT)]}
    assert named(judged(session=AFTERNOON, passages=gone, now=at("14:00"))) == ["k9"]


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([], [("06:30", "08:00")]),
        ([("06:00", "09:00")], []),
        ([("06:33", "07:57")], []),
        ([("06:34", "09:00")], [("06:30", "06:34")]),
        ([("06:00", "07:56")], [("07:56", "08:00")]),
        ([("06:00", "07:00"), ("07:03", "09:00")], []),
        ([("06:00", "07:00"), ("07:04", "09:00")], [("07:00", "07:04")]),
        ([("06:00", "07:30"), ("06:40", "06:50"), ("07:31", "09:00")], []),
        ([("05:00", "06:00"), ("08:30", "09:00")], [("06:30", "08:00")]),
        ([("05:00", "07:57"), ("08:01", "09:00")], []),
    ],
)
def test_holes(spans: list[tuple[str, str]], found: list[tuple[str, str]]) -> None:
    """What no span covers, but for a restart's few minutes."""
    covered = [(at(start), at(end)) for start, end in spans]
    assert holes(covered, at("06:30"), at("08:00")) == [(at(start), at(end)) for start, end in found]


def test_a_gate_that_comes_and_goes_has_seen_too_little() -> None:
    """However short each hole is: ten minutes of them are tolerated, eleven are not, and then all are told."""
    every_five = [(at(f"07:{n:02}"), at(f"07:{n + 3:02}")) for n in range(0, 30, 5)]
    assert holes(every_five, at("07:00"), at("07:28")) == []
    assert len(holes(every_five, at("07:00"), at("07:29"))) == 6


def test_no_proof_at_all_is_none_of_a_short_window_either() -> None:
    """What is tolerated is a part of what was seen."""
    assert holes([], at("07:00"), at("07:02")) == [(at("07:00"), at("07:02"))]
    assert holes([(at("07:01"), at("07:02"))], at("07:00"), at("07:02")) == []
    assert holes([], at("07:00"), at("07:00")) == []


MINUTES = st.integers(0, 240)


@given(st.lists(st.tuples(MINUTES, MINUTES).map(lambda pair: tuple(sorted(pair))), max_size=8))
def test_holes_are_what_is_not_covered(pairs: list[tuple[int, int]]) -> None:
    """Minute by minute: a run of uncovered minutes longer than the tolerance is a hole; all are if they are many."""
    zero, tolerated, most = at("06:00"), LONGEST_HOLE // timedelta(minutes=1), MOST_HOLES // timedelta(minutes=1)
    spans: list[Span] = sorted((zero + timedelta(minutes=a), zero + timedelta(minutes=b)) for a, b in pairs)
    start, end = 60, 180
    uncovered = [m for m in range(start, end) if not any(a <= m and m + 1 <= b for a, b in pairs)]
    runs: list[list[int]] = []
    for minute in uncovered:
        apart = any(minute in pair for pair in pairs)  # a span of no length: the gate worked at that instant
        if runs and runs[-1][-1] == minute - 1 and not apart:
            runs[-1].append(minute)
        else:
            runs.append([minute])
    expected = [
        (zero + timedelta(minutes=run[0]), zero + timedelta(minutes=run[-1] + 1))
        for run in runs
        if len(run) > tolerated or sum(len(each) for each in runs if len(each) <= tolerated) > most
    ]
    assert holes(spans, zero + timedelta(minutes=start), zero + timedelta(minutes=end)) == expected


SCANS = st.lists(
    st.builds(Passage, st.sampled_from(["morning", "afternoon"]), st.sampled_from([*Direction, None])), max_size=4
)


@given(st.dictionaries(st.sampled_from([f"k{n}" for n in range(12)]), SCANS))
def test_nobody_is_named_who_was_seen(passages: dict[str, list[Passage]]) -> None:
    """Whatever was scanned: no absence for who has a scan of the session, no missing departure for who left last."""
    for kind in (ABSENCE, NO_CHECKOUT):
        for student in judged(session=AFTERNOON, kind=kind, passages=passages, now=at("18:00")).named:
            scans = passages.get(student.key, [])
            if kind is ABSENCE:
                assert not any(scan.session == "afternoon" for scan in scans)
            else:
                assert scans[-1].direction is IN
