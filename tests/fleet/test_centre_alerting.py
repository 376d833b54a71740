"""The centre tells people of the problems of their gates."""

from collections.abc import Iterator

import pytest
from alert_receiver import Receiver, Straight, receiving
from centre_with_gates import Seeded, clock, seed
from sqlalchemy import Engine, select, update

from attendance.clock import ManualClock
from attendance.errors import BadInput
from attendance.fleet.alerting import CentreAlerting, acknowledge, known
from attendance.fleet.sight import Sight
from attendance.fleet.store import alerting
from attendance.fleet.store.engine import reading, transaction
from attendance.fleet.store.tables import gate_health, gates


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def made(database_url: str) -> Seeded:
    return seed(database_url)


@pytest.fixture
def now(made: Seeded) -> ManualClock:
    return clock()


@pytest.fixture
def north(engine: Engine, made: Seeded, receiver: Receiver) -> str:
    """The school of most gates; its office and, when nobody looks, its head are told."""
    school_id = made.schools["Northfield"]
    with transaction(engine) as conn:
        alerting.add(conn, school_id, "office", f"json://{receiver.place}/office", escalation=False)
        alerting.add(conn, school_id, "head", f"json://{receiver.place}/head", escalation=True)
        alerting.add(conn, None, "division", f"json://{receiver.place}/division", escalation=False)
    return school_id


def minutes(engine: Engine, centre: CentreAlerting, now: ManualClock, count: int) -> None:
    """The centre looks each minute; all gates but the silent one go on calling."""
    for _ in range(count):
        now.advance(60)
        silent = select(gates.c.gate_id).where(gates.c.name == "Canteen side")
        at = now.now().at
        with transaction(engine) as conn:
            calls = update(gate_health).where(gate_health.c.gate_id.not_in(silent))
            conn.execute(calls.values(received_at=at, sent_at=at))
        centre.step()


def test_people_hear_of_their_own_school(engine: Engine, north: str, now: ManualClock, receiver: Receiver) -> None:
    """All errors of a school that last are one word; who is told of all schools hears of each."""
    minutes(engine, CentreAlerting(engine, now, Sight(engine, now), Straight()), now, 4)
    assert [path for path, _ in receiver.heard if path != "/division"] == ["/office"]
    assert next(title for path, title in receiver.heard if path == "/office").startswith("Northfield National High")
    with reading(engine) as conn:
        told = known(alerting.remembered(conn, north))
    assert {"gate-unheard-alone", "gate-idle"} <= {each.problem.code for each in told if each.told}


def test_who_is_not_told_is_told_by_the_next_process(
    engine: Engine, north: str, now: ManualClock, receiver: Receiver
) -> None:
    """What did not leave is not noted; what did is not told again."""
    receiver.broken = True
    minutes(engine, CentreAlerting(engine, now, Sight(engine, now), Straight()), now, 4)
    receiver.broken = False
    now.advance(600)  # until the duty of the process that has gone is free
    minutes(engine, CentreAlerting(engine, now, Sight(engine, now), Straight()), now, 3)
    assert [path for path, _ in receiver.heard].count("/office") == 1
    now.advance(600)
    minutes(engine, CentreAlerting(engine, now, Sight(engine, now), Straight()), now, 1)
    assert [path for path, _ in receiver.heard].count("/office") == 1


def test_one_replica_tells(engine: Engine, north: str, now: ManualClock, receiver: Receiver) -> None:
    """The other takes over when the first is gone."""
    first, second = (CentreAlerting(engine, now, Sight(engine, now), Straight()) for _ in range(2))
    for _ in range(5):
        minutes(engine, first, now, 1)
        second.step()
    assert [path for path, _ in receiver.heard].count("/office") == 1
    minutes(engine, second, now, 31)
    assert [path for path, _ in receiver.heard].count("/head") == 1


def test_a_person_can_say_that_they_look_after_it(
    engine: Engine, north: str, now: ManualClock, receiver: Receiver
) -> None:
    """Of one gate's problem; the others are told further."""
    centre = CentreAlerting(engine, now, Sight(engine, now), Straight())
    minutes(engine, centre, now, 4)
    with transaction(engine) as conn:
        for each in known(alerting.remembered(conn, north)):
            changed = acknowledge(alerting.remembered(conn, north), each.source, each.problem.code)
            assert changed is not None
            alerting.remember(conn, north, changed)
        assert acknowledge(alerting.remembered(conn, north), "Main gate", "nonsense") is None
    minutes(engine, centre, now, 40)
    assert not [path for path, _ in receiver.heard if path == "/head"]


def test_a_name_is_taken_once(engine: Engine, north: str, receiver: Receiver) -> None:
    """In one school; whoever is removed is told no more."""
    with transaction(engine) as conn:
        with pytest.raises(BadInput, match="already"):
            alerting.add(conn, north, "office", f"json://{receiver.place}", escalation=False)
        assert alerting.remove(conn, north, "office")
        assert not alerting.remove(conn, north, "office")
        assert not alerting.remove(conn, north, "division")
        assert [each.name for each in alerting.of_school(conn, north)] == ["division", "head"]
