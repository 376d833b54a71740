"""Which gates the list shows, in which order, and on which page."""

from datetime import timedelta

from centre_with_gates import NOW, ZONE
from hypothesis import given
from hypothesis import strategies as st

from attendance.fleet.listing import ALL, ON_A_PAGE, PROBLEMS, SHOWN_WHOLE, Question, listing
from attendance.fleet.sight import STATES, GateInSight, Passage
from attendance.fleet.store.overview import KnownGate
from attendance.fleet.vitals import Vitals
from attendance.ops.health import Problem

BROKEN = Problem("camera-lost", "error", "The camera has stopped.", "Check its cable.")
WARM = Problem("hot", "warning", "The device is hot.", "Keep it out of the sun.")


def gate(number: int, school: str = "North", state: str = "ok") -> GateInSight:
    known = KnownGate(
        gate_id=f"{school}-{number}",
        school_id=school,
        school=f"{school} school",
        timezone=ZONE,
        name=f"Gate {number:04}",
        device_id=f"device-{number}",
        version="1.4.0",
        model="",
        enrolled_at=NOW - timedelta(days=9),
        called_at=NOW,
        sent_at=NOW,
        clock_trusted=True,
        status="healthy",
        queue_items=0,
        oldest_seconds=0,
        photos_waiting=0,
        summary={},
    )
    problems = {"error": (BROKEN,), "warning": (WARM,)}.get(state, ())
    return GateInSight(known, Vitals(), Passage(), problems, state == "silent", 0.0)


def names(gates: list[GateInSight], **asked: object) -> list[str]:
    found = listing(gates, Question(**asked))  # type: ignore[arg-type]
    return [row.gate.gate_id for group in found.groups for row in group.rows]


def test_problems_come_first_and_schools_stay_together() -> None:
    """The school with the worst gate first, its other gates with it."""
    gates = [gate(1), gate(2, "South"), gate(3, "South", "error"), gate(4, "North", "warning"), gate(5, "East")]
    assert names(gates) == ["South-3", "South-2", "North-4", "North-1", "East-5"]


def test_a_small_fleet_is_shown_whole_and_a_large_one_by_its_problems() -> None:
    """Beyond fifty, those that need somebody; all of them on request."""
    few = [gate(number) for number in range(SHOWN_WHOLE)]
    assert listing(few, Question()).show == ALL
    many = [*few, gate(99, state="silent")]
    assert listing(many, Question()).show == PROBLEMS
    assert names(many) == ["North-99"]
    assert listing(many, Question(show=ALL)).fitting == SHOWN_WHOLE + 1


def test_a_state_that_there_is_not_is_the_usual_view() -> None:
    """Whatever stands in the address."""
    assert listing([gate(1)], Question(show="<script>", page=-3)).show == ALL


def test_words_find_names_schools_versions_and_problems() -> None:
    """All words must occur; large and small letters do not matter."""
    gates = [gate(1, "North", "error"), gate(2, "South")]
    for words in ("CAMERA north", "gate 0001", "device-1", "camera-lost"):
        assert names(gates, words=words) == ["North-1"], words
    assert names(gates, words="camera south") == []
    assert len(names(gates, words="1.4.0")) == 2


def test_a_school_says_how_its_gates_are_also_when_they_are_not_shown() -> None:
    """The heading counts what the filter leaves out."""
    gates = [gate(1, state="error"), gate(2), gate(3, state="silent"), gate(4)]
    (group,) = listing(gates, Question(show="error")).groups
    assert group.sentence == "4 gates, 1 with errors, 1 silent"
    assert [row.gate.gate_id for row in group.rows] == ["North-1"]


@given(
    states=st.lists(st.sampled_from(STATES), max_size=3 * ON_A_PAGE),
    schools=st.integers(1, 7),
    show=st.sampled_from([ALL, PROBLEMS, *STATES]),
)
def test_the_pages_together_show_each_gate_once(states: list[str], schools: int, show: str) -> None:
    """No gate falls between two pages, none is on both, and none is there that was not asked for."""
    gates = [gate(number, f"school-{number % schools}", state) for number, state in enumerate(states)]
    first = listing(gates, Question(show=show))
    shown = [name for page in range(1, first.pages + 1) for name in names(gates, show=show, page=page)]
    wanted = [each for each in gates if show == ALL or each.state == show or (show == PROBLEMS and each.state != "ok")]
    assert sorted(shown) == sorted(each.gate.gate_id for each in wanted)
    assert first.fitting == len(shown)
    assert sum(first.counts.values()) == len(gates)
