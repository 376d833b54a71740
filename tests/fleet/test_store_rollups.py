"""How many passed in ten minutes, and how many usually do."""

from datetime import date, timedelta

import pytest
from one_school import NOW, Ledger, Site

from attendance.clock import rfc3339
from attendance.fleet.store import rollups
from attendance.fleet.store.engine import reading

DAY = date(2026, 11, 26)
SLOT = 15 * 6 + 3
"""NOW in Manila: 15:30."""


def slots(site: Site, day: date = DAY) -> dict[int, tuple[int, int, int]]:
    with reading(site.engine) as conn:
        return rollups.of_gate(conn, site.school.school_id, site.gate.gate_id, day)


def usual(site: Site, day: date, slot: int) -> float | None:
    with reading(site.engine) as conn:
        return rollups.usual(conn, site.school.school_id, site.gate.gate_id, day, slot)


@pytest.mark.parametrize(
    ("zone", "minute", "slot"),
    [
        ("Asia/Manila", "2026-11-26T07:30", 93),
        ("Asia/Manila", "2026-11-25T16:00", 0),
        ("Asia/Manila", "2026-11-26T15:59", 143),
        ("Asia/Kathmandu", "2026-11-26T00:05", 35),
        ("America/New_York", "2026-07-01T12:00", 48),
    ],
)
def test_slots_are_of_the_local_day(zone: str, minute: str, slot: int) -> None:
    """Also where the hour is shifted by a quarter, and in summer."""
    assert rollups.slot(zone, minute) == slot


def test_scans_and_refusals_are_counted_once(site: Site) -> None:
    """Whatever comes again."""
    ledger = Ledger("Main")
    ledger.scan(NOW)
    ledger.scan(NOW, minutes_late=3)
    refusal = {
        "type": "refusal",
        "refusal_id": "01a21591-77b4-767d-9d6e-95dd6a41a29c",
        "device_id": "Main",
        "refusal": "unknown_card",
        "student_key": None,
        "day": DAY.isoformat(),
        "seen_at": rfc3339(NOW),
        "clock_trusted": True,
        "source": "qr",
    }
    for _ in range(2):
        site.send(*ledger.scans, refusal, *ledger.scans)
    assert slots(site) == {SLOT: (2, 1, 1)}


def test_a_correction_moves_the_count(site: Site) -> None:
    """From where the clock had it to where it was."""
    scan = Ledger("Main").scan(NOW - timedelta(days=365), minutes_late=5)
    corrected = {
        "type": "correction",
        "scan_id": scan["scan_id"],
        "scanned_at": rfc3339(NOW),
        "day": DAY.isoformat(),
        "status": "on_time",
        "minutes_late": 0,
        "corrected_at": rfc3339(NOW),
    }
    site.send(scan, corrected)
    again = corrected | {
        "scanned_at": rfc3339(NOW + timedelta(minutes=10)),
        "corrected_at": rfc3339(NOW + timedelta(1)),
    }
    site.send(again)
    assert slots(site, DAY - timedelta(days=365)) == {SLOT: (0, 0, 0)}
    assert slots(site) == {SLOT: (0, 0, 0), SLOT + 1: (1, 0, 0)}


def test_the_usual_is_the_median_of_four_such_days(site: Site) -> None:
    """One odd day does not matter, a holiday is no day, and today says nothing of what is usual."""
    ledger = Ledger("Main")
    for week, scans in ((0, 50), (1, 4), (2, 6), (3, 0), (4, 5), (5, 40), (6, 90)):
        for _ in range(scans):
            ledger.scan(NOW - timedelta(weeks=week))
    site.send(*ledger.scans)
    assert usual(site, DAY, SLOT) == 5.5
    assert usual(site, DAY, SLOT + 1) == 0
    assert usual(site, DAY + timedelta(days=1), SLOT) is None
