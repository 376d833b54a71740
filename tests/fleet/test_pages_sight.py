"""All gates as the pages see them: what each is like now, against the usual and against its neighbours."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from centre_with_gates import NOW, ZONE, Seeded, add_gate, call, clock, health, pass_through, seed
from sqlalchemy import Engine, event, update

from attendance.fleet.sight import FRESH_S, GateInSight, Sight
from attendance.fleet.store import audit, gates, schools
from attendance.fleet.store.engine import open_engine, transaction, upgrade
from attendance.fleet.store.tables import gate_health


@pytest.fixture
def made(database_url: str) -> Seeded:
    return seed(database_url)


@pytest.fixture
def sight(engine: Engine, made: Seeded) -> Sight:
    return Sight(engine, clock())


def by_name(sight: Sight) -> dict[str, GateInSight]:
    return {each.gate.name: each for each in sight.gates()}


def codes(gate: GateInSight) -> set[str]:
    return {problem.code for problem in gate.problems}


def test_a_silent_gate_among_busy_neighbours_is_an_error(sight: Sight) -> None:
    """It has not called for forty minutes, the others have: somebody must go there."""
    silent = by_name(sight)["Canteen side"]
    assert silent.state == "silent"
    assert silent.rank == 0
    assert "gate-unheard-alone" in codes(silent)


def test_a_gate_that_nobody_passes_while_its_neighbours_are_busy_is_flagged(sight: Sight) -> None:
    """It calls, it says that all is well, and has had no scan for a while at the busiest time."""
    assert "gate-idle" in codes(by_name(sight)["Gymnasium"])
    assert "gate-idle" not in codes(by_name(sight)["Main gate"])


def test_scans_stand_against_the_usual_for_this_time(sight: Sight) -> None:
    """The median of the same weekday of four weeks, as far as this minute of the morning."""
    passage = by_name(sight)["Main gate"].passage
    assert passage.today == 2 + 9 + 31 + 58 + 76 + 90 + 64 + 9
    assert passage.usual == pytest.approx(355, abs=3)


def test_without_any_such_day_nothing_is_usual(engine: Engine, made: Seeded) -> None:
    """A new gate has no past, and is not compared with one."""
    with transaction(engine) as conn:
        new = add_gate(conn, made.schools["San"], "New gate", "new")
        call(conn, made.schools["San"], new)
    passage = by_name(Sight(engine, clock()))["New gate"].passage
    assert (passage.today, passage.usual) == (0, None)


def test_each_school_has_its_own_day(engine: Engine) -> None:
    """At 07:40 in Manila it is still yesterday in Honolulu."""
    with transaction(engine) as conn:
        far = schools.add(conn, "Far away", "Pacific/Honolulu", NOW).school_id
        gate_id = add_gate(conn, far, "Only gate", "only")
        pass_through(conn, far, gate_id)
    assert by_name(Sight(engine, clock()))["Only gate"].passage.today == 0


def test_what_the_gate_says_and_what_the_centre_sees_stand_together(sight: Sight) -> None:
    """Problems of both, the gravest first; the device's values beside them."""
    seen = by_name(sight)["North gate"]
    assert {"camera-lost", "undervoltage", "gate-scans-missing"} <= codes(seen)
    assert [each.severity for each in seen.problems] == sorted(each.severity for each in seen.problems)
    assert seen.vitals.undervoltage is True
    assert "gate-items-refused" in codes(by_name(sight)["Annex"])


def test_a_clock_that_is_off_is_told(engine: Engine, made: Seeded) -> None:
    """By the difference between the gate's own time and the centre's; not if the gate itself does not trust it."""
    with transaction(engine) as conn:
        for name, trusted in (("Main gate", True), ("Annex", False)):
            values = {"sent_at": NOW - timedelta(hours=1), "clock_trusted": trusted}
            conn.execute(update(gate_health).where(gate_health.c.gate_id == made.gates[name]).values(values))
    seen = by_name(Sight(engine, clock()))
    assert "gate-clock-off" in codes(seen["Main gate"])
    assert "gate-clock-off" not in codes(seen["Annex"])
    assert seen["Annex"].clock_off_s is None


def test_whatever_a_gate_writes_as_its_health_can_be_shown(engine: Engine, made: Seeded) -> None:
    """Another version's, or a broken one's: what is no number is not known."""
    strange = {"overall_status": 7, "system": {"temperature_c": "hot", "disk_usage": [1], "undervoltage": "yes"}}
    with transaction(engine) as conn:
        gate_id = add_gate(conn, made.schools["San"], "Strange gate", "strange")
        call(conn, made.schools["San"], gate_id, said=strange | {"problems": ["x", {"code": 1}], "overall_status": ""})
    vitals = by_name(Sight(engine, clock()))["Strange gate"].vitals
    assert (vitals.temperature_c, vitals.disk_used_percent, vitals.undervoltage) == (None, None, None)


def test_a_revoked_gate_is_no_longer_in_the_list_but_has_its_page(engine: Engine, made: Seeded) -> None:
    """Its records are still there to be looked at."""
    gate_id = made.gates["River gate"]
    with transaction(engine) as conn:
        gates.revoke(conn, made.schools["San"], gate_id, NOW)
    sight = Sight(engine, clock())
    assert "River gate" not in by_name(sight)
    seen = sight.gate(gate_id)
    assert seen is not None
    assert seen.gate.name == "River gate"
    assert sight.gate("00000000-0000-0000-0000-000000000000") is None


def test_all_gates_are_looked_at_every_few_seconds_at_most(engine: Engine, made: Seeded) -> None:
    """However many people look: beyond that, only whether somebody has done something is asked."""
    at, looks = clock(), []
    sight = Sight(engine, at)
    event.listen(engine, "before_cursor_execute", lambda *told: looks.append(1) if "gate_health" in told[2] else None)
    for _ in range(50):
        sight.gates()
    assert len(looks) == 1
    at.advance(FRESH_S + 0.1)
    sight.gates()
    assert len(looks) == 2


def test_what_somebody_has_done_is_seen_at_once(engine: Engine, made: Seeded) -> None:
    """Whichever process of the centre did it: a gate that enrolled, or was renamed, is in the next page."""
    sight = Sight(engine, clock())
    sight.gates()
    school_id, gate_id = made.schools["San"], made.gates["River gate"]
    with transaction(engine) as conn:
        gates.rename(conn, school_id, gate_id, "Bridge gate")
        audit.note(conn, school_id, "somebody", "gate-renamed", gate_id, {}, NOW)
    assert "Bridge gate" in by_name(sight)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A thousand gates of a hundred schools, with five weeks."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('thousand') / 'centre.db'}")
    upgrade(engine)
    with transaction(engine) as conn:
        for number in range(100):
            school_id = schools.add(conn, f"School {number:03}", ZONE, NOW).school_id
            for gate in range(10):
                gate_id = add_gate(conn, school_id, f"Gate {gate}", f"gate-{gate}")
                call(conn, school_id, gate_id, ago_s=3000 if gate == number else 20, said=health())
                pass_through(conn, school_id, gate_id, 0.1 + gate / 10)
    yield engine
    engine.dispose()


def test_a_thousand_gates_take_as_many_questions_as_one(thousand: Engine) -> None:
    """The number of queries does not grow with the fleet."""
    asked: list[str] = []
    event.listen(thousand, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert len(Sight(thousand, clock()).gates()) == 1000
    assert len([each for each in asked if each.lstrip().startswith("SELECT")]) <= 6
