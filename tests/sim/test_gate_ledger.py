"""The ledger of a simulated gate is one that a centre can prove whole."""

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock
from attendance.domain import wire
from attendance.sim.gate_ledger import GateLedger

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 7, 22, 40, tzinfo=UTC), boot_id="b00t")


@pytest.fixture
def ledger() -> GateLedger:
    return GateLedger("gate-1", ZoneInfo("Asia/Manila"), random.Random(1))


def test_scans_are_numbered_and_chained(ledger: GateLedger, clock: ManualClock) -> None:
    """Each link is that of the row and the link before it, over what really leaves."""
    for _ in range(3):
        ledger.record(KEY, clock.now())
    left = [wire.ITEM.validate_python(item) for item in ledger.batch(10)]
    assert left == ledger.scans
    link = ""
    for number, scan in enumerate(ledger.scans, 1):
        link = wire.chain(link, scan)
        assert (scan.seq, scan.chain, scan.day, scan.passage) == (number, link, "2026-06-08", number)
    assert ledger.head() == {"device_id": "gate-1", "epoch": ledger.epoch, "last_seq": 3, "chain": link}


def test_a_row_leaves_the_queue_only_by_its_answer(ledger: GateLedger, clock: ManualClock) -> None:
    """Taken or known already: gone. Later: at the end of the queue. Never to be taken: kept aside with the reason."""
    for _ in range(5):
        ledger.record(KEY, clock.now())
    sent = ledger.batch(4)
    assert ledger.waiting == 5
    answers = [wire.Result.CREATED, wire.Result.LATER, wire.Result.DUPLICATE, wire.Result.CONFLICT]
    ledger.acknowledge([{"result": answer, "reason": "why"} for answer in answers])
    assert [item["seq"] for item in ledger.batch(10)] == [5, 2]
    assert ledger.dead == [(sent[3], "why")]


def test_a_restored_ledger_counts_anew(ledger: GateLedger, clock: ManualClock) -> None:
    """What the backup lacked is gone, what it had still leaves, and no number is used for two scans."""
    for _ in range(4):
        ledger.record(KEY, clock.now())
    before = ledger.epoch
    ledger.restore(lost=2)
    ledger.record(KEY, clock.now())
    left = ledger.batch(10)
    assert [(item["epoch"], item["seq"]) for item in left] == [(before, 1), (before, 2), (ledger.epoch, 1)]
    assert left[2]["chain"] == wire.chain("", ledger.scans[2])
    assert ledger.epoch != before
