"""The centre can prove that a device's scans are all here and unaltered, in whichever order they came."""

import random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from one_school import NOW, Ledger, Site, found
from sqlalchemy import Engine, update

from attendance.fleet import devices
from attendance.fleet.store import chains
from attendance.fleet.store import events as store
from attendance.fleet.store.engine import open_engine, reading, transaction, upgrade
from attendance.fleet.store.tables import events

EXAMPLES = settings(max_examples=12, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
"""Shrinking a school's morning takes minutes and tells little more than its seed."""


def ends(site: Site) -> dict[tuple[str, str], tuple[int, int, int | None]]:
    with reading(site.engine) as conn:
        return {
            (each.device_id, each.epoch): (each.complete_to, each.highest, each.broken_at)
            for each in devices.completeness(conn, site.school.school_id)
        }


def here(site: Site, ledger: Ledger) -> list[dict[str, Any]]:
    """What the centre has of a ledger, as a gate would send it."""
    named = (site.school.school_id, site.gate.gate_id, ledger.device_id, ledger.epoch)
    with reading(site.engine) as conn:
        chain_id = chains.find(conn, *named)
        return [each.model_dump() for each in store.after_number(conn, site.school.school_id, chain_id or 0, 0)]


def unfit(site: Site) -> list[int]:
    with reading(site.engine) as conn:
        return devices.unfit(conn, site.school.school_id, site.gate.gate_id, "Main", "e1")


def test_heads_say_how_far_a_batch_reaches(site: Site) -> None:
    """A gap ends what is complete; when it is filled, what waited behind it counts."""
    scans = Ledger("Main").fill(1200, NOW)
    (head,) = site.heads(scans[700:])
    assert (head.complete_to, head.highest) == (0, 1200)
    (head,) = site.heads(scans[:300])
    assert (head.complete_to, head.highest) == (300, 1200)
    (head,) = site.heads(scans[300:700])
    assert (head.complete_to, head.highest, head.broken_at) == (1200, 1200, None)


def test_an_epoch_begins_a_chain_of_its_own(site: Site) -> None:
    """A restored gate counts from 1 again, in another epoch."""
    site.send(*Ledger("Main").fill(3, NOW), *Ledger("Main", "e2").fill(2, NOW))
    assert ends(site) == {("Main", "e1"): (3, 3, None), ("Main", "e2"): (2, 2, None)}


def test_scans_from_before_there_were_chains_fit(site: Site) -> None:
    """The first one with a link follows the empty one."""
    old = [scan | {"chain": ""} for scan in Ledger("Main").fill(2, NOW)]
    fresh = Ledger("Main", scans=list(old))
    fresh.scan(NOW)
    fresh.scan(NOW)
    site.send(*fresh.scans)
    assert ends(site) == {("Main", "e1"): (4, 4, None)}


@pytest.mark.parametrize("name", ["student_key", "scanned_at", "status", "direction", "card_issue"])
def test_an_altered_scan_is_found(site: Site, name: str) -> None:
    """Whichever part of it is altered on the way, it does not fit the one before; all later ones are taken still."""
    scans = Ledger("Main").fill(10, NOW)
    other = {
        "student_key": "0" * 32,
        "scanned_at": "2026-11-26T01:00:00.000000Z",
        "status": "late",
        "direction": "out",
        "card_issue": 5,
    }
    scans[4] = scans[4] | {name: other[name]}
    assert site.send(*scans) == ["created"] * 10
    assert ends(site) == {("Main", "e1"): (4, 10, 5)}
    assert unfit(site) == [5]


def test_a_lost_scan_that_was_renumbered_over_is_found(site: Site) -> None:
    """Who takes a scan out and closes the gap cannot close the chain."""
    scans = Ledger("Main").fill(10, NOW)
    del scans[4]
    scans[4:] = [scan | {"seq": scan["seq"] - 1} for scan in scans[4:]]
    site.send(*scans)
    assert ends(site) == {("Main", "e1"): (4, 9, 5)}


def test_what_is_altered_at_the_centre_is_found(site: Site) -> None:
    """A check of everything finds what somebody changed in the database."""
    site.send(*Ledger("Main").fill(10, NOW))
    assert unfit(site) == []
    with transaction(site.engine) as conn:
        conn.execute(update(events).where(events.c.seq == 7).values(status="late"))
    assert unfit(site) == [7]


def test_the_gates_word_is_held_against_what_is_here(site: Site) -> None:
    """Complete is what the gate has, not what it has sent."""
    scans = Ledger("Main").fill(8, NOW)
    site.send(*scans[:6])

    def claim(seq: int, link: str) -> tuple[bool, str]:
        with transaction(site.engine) as conn:
            head = {"device_id": "Main", "epoch": "e1", "last_seq": seq, "chain": link}
            devices.claim(conn, site.gate, [head], NOW)
            (found,) = devices.completeness(conn, site.school.school_id, site.gate.gate_id)
            return found.whole, str(found)

    assert claim(8, scans[7]["chain"]) == (False, "Main, epoch e1: 1–6 complete, the newest is 8")
    site.send(*scans[6:])
    assert claim(8, scans[7]["chain"]) == (True, "Main, epoch e1: 1–8 complete")
    assert claim(8, "0" * 64) == (False, "Main, epoch e1: 1–8 complete, the gate has others under these numbers")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def long_lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One database for all examples of a property, each with a school of its own."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('long')}/centre.db")
    else:
        engine = open_engine(request.getfixturevalue("long_lived_postgresql_url"))
    upgrade(engine)
    yield engine
    engine.dispose()


@EXAMPLES
@given(seed=st.integers(0, 2**32))
def test_any_order_with_repeats_ends_at_the_ledgers(long_lived: Engine, seed: int) -> None:
    """Lost answers, repeats and overtaking change nothing in the end."""
    dice, site = random.Random(seed), found(long_lived, NOW)
    ledgers = [Ledger("Main"), Ledger("Main", "e2"), Ledger("Spare")]
    for ledger in ledgers:
        ledger.fill(dice.randint(0, 40), NOW, dice)
    sent = [scan for ledger in ledgers for scan in ledger.scans] * 2
    dice.shuffle(sent)
    while sent:
        batch = [sent.pop() for _ in range(min(len(sent), dice.randint(1, 25)))]
        assert set(site.send(*batch)) <= {"created", "duplicate"}
    assert ends(site) == {
        (ledger.device_id, ledger.epoch): (len(ledger.scans), len(ledger.scans), None)
        for ledger in ledgers
        if ledger.scans
    }
    for ledger in ledgers:
        assert here(site, ledger) == ledger.scans


@EXAMPLES
@given(seed=st.integers(0, 2**32))
def test_losses_and_alterations_are_found(long_lived: Engine, seed: int) -> None:
    """The end of a chain is right before the first scan that is lost or altered, whatever the order."""
    dice, site = random.Random(seed), found(long_lived, NOW)
    ledger = Ledger("Main")
    ledger.fill(dice.randint(1, 40), NOW, dice)
    lost = {number for number in range(1, len(ledger.scans) + 1) if dice.random() < 0.05}
    altered = {number for number in range(1, len(ledger.scans) + 1) if dice.random() < 0.05} - lost
    sent = [
        scan | ({"student_key": f"{dice.getrandbits(128):032x}"} if scan["seq"] in altered else {})
        for scan in ledger.scans
        if scan["seq"] not in lost
    ]
    dice.shuffle(sent)
    while sent:
        site.send(*[sent.pop() for _ in range(min(len(sent), dice.randint(1, 12)))])
    first_lost = min(lost, default=len(ledger.scans) + 1)
    first_altered = min((number for number in altered if number < first_lost), default=None)
    highest = max(set(range(1, len(ledger.scans) + 1)) - lost, default=0)
    expected = ((first_altered or first_lost) - 1, highest, first_altered)
    assert ends(site).get(("Main", "e1"), (0, 0, None)) == expected
    assert unfit(site) == sorted(number for number in altered if number == 1 or number - 1 not in lost)
