"""Many gates, and many workers for one gate, at once."""

import random
from concurrent.futures import ThreadPoolExecutor

from one_school import NOW, Ledger, Site, student
from sqlalchemy import func, select

from attendance.fleet import devices, feed
from attendance.fleet.store import rollups
from attendance.fleet.store.engine import reading
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.tables import events


def test_a_crowd_ends_at_the_ledgers(site: Site) -> None:
    """A gate whose answers are late sends the same again while the first is being taken; its neighbours send too."""
    dice = random.Random(7)
    ledgers: dict[str, tuple[Gate, Ledger]] = {}
    jobs = []
    for name, gate in (("Main", site.gate), ("Back", site.other), ("Far", site.stranger)):
        ledger = Ledger(name)
        ledger.fill(60, NOW, dice)
        people = [student(str(number), scan["student_key"]) for number, scan in enumerate(ledger.scans[:10])]
        ledgers[name] = (gate, ledger)
        batches = [ledger.scans[at : at + 20] for at in range(0, 60, 20)]
        jobs += [(gate, [*people, *batch]) for batch in batches for _ in range(2)]
    dice.shuffle(jobs)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda job: site.send(*job[1], gate=job[0]), jobs))
    assert sum(each.count("created") for each in results) == 3 * 60 + 2 * 10
    for gate, ledger in ledgers.values():
        with reading(site.engine) as conn:
            (chain,) = devices.completeness(conn, gate.school_id, gate.gate_id)
            counted = rollups.of_gate(conn, gate.school_id, gate.gate_id, NOW.date())
        assert (chain.complete_to, chain.highest, chain.broken_at) == (60, 60, None)
        assert sum(scans for scans, _, _ in counted.values()) == len(ledger.scans)
    with reading(site.engine) as conn:
        assert conn.execute(select(func.count()).select_from(events)).scalar_one() == 3 * 60
        told = feed.scans(conn, site.school.school_id, site.other.gate_id, 0, 1000, NOW)["items"]
    received = [each["received"] for each in told]
    assert received == sorted(set(received))
