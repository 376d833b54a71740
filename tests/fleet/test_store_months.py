"""Months of scans have tables of their own, also those that nobody expected, and go whole."""

from datetime import date, timedelta

import pytest
from one_school import NOW, Ledger, Site, found
from sqlalchemy import Engine, select, text

from attendance.fleet import devices
from attendance.fleet.store import partitions
from attendance.fleet.store.engine import open_engine, reading
from attendance.fleet.store.tables import events
from attendance.fleet.store.upkeep import drop_before, upkeep


@pytest.fixture
def postgresql(postgresql_url: str) -> Engine:
    return open_engine(postgresql_url)


@pytest.fixture
def school(postgresql: Engine) -> Site:
    return found(postgresql, NOW)


def rows(site: Site, table: str) -> int:
    with reading(site.engine) as conn:
        return int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def months(site: Site) -> list[str]:
    with reading(site.engine) as conn:
        return [f"{month:%Y-%m}" for month in partitions.existing(conn)]


def test_months_are_made_ahead(school: Site) -> None:
    """A scan of midnight on the first waits for nobody."""
    upkeep(school.engine, NOW)
    upkeep(school.engine, NOW)
    assert months(school) == ["2026-10", "2026-11", "2026-12", "2027-01", "2027-02"]
    upkeep(school.engine, NOW + timedelta(days=40))
    assert months(school)[-1] == "2027-04"


def test_each_scan_lies_in_its_month(school: Site) -> None:
    """One of a clock a year off lies outside, and all are found by their chain."""
    upkeep(school.engine, NOW)
    ledger = Ledger("Main")
    for at in (NOW, NOW - timedelta(days=30), NOW + timedelta(days=365)):
        ledger.scan(at)
    assert school.send(*ledger.scans) == ["created"] * 3
    assert [rows(school, name) for name in ("events_2026_11", "events_2026_10", "events_default")] == [1, 1, 1]
    assert school.send(*ledger.scans) == ["duplicate"] * 3


def test_scans_that_came_before_their_month_move_there(school: Site) -> None:
    """A clock that is ahead must not keep the month from being made when it comes."""
    ledger = Ledger("Main")
    ledger.fill(5, NOW)
    school.send(*ledger.scans)
    assert rows(school, "events_default") == 5
    upkeep(school.engine, NOW)
    assert (rows(school, "events_default"), rows(school, "events_2026_11")) == (0, 5)
    assert school.send(*ledger.scans) == ["duplicate"] * 5


def test_a_crowded_month_of_long_ago_gets_a_table(school: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that brings years of an earlier system does not crowd the table of the outliers."""
    monkeypatch.setattr(partitions, "_CROWDED_ROWS", 5)
    ledger = Ledger("Main")
    ledger.fill(5, NOW - timedelta(days=800))
    ledger.fill(1, NOW - timedelta(days=1200))
    school.send(*ledger.scans)
    upkeep(school.engine, NOW)
    assert months(school)[0] == "2024-09"
    assert rows(school, "events_default") == 1


def test_a_month_is_swept_past_only_what_it_holds(school: Site) -> None:
    """A day's query reads one month: the planner leaves out the others."""
    upkeep(school.engine, NOW)
    with reading(school.engine) as conn:
        plan = conn.execute(
            text("EXPLAIN SELECT * FROM events WHERE event_at >= '2026-11-02Z' AND event_at < '2026-11-03Z'")
        ).scalars()
        assert "events_2026_12" not in "\n".join(plan)


def test_old_scans_go_and_stay_proven(site: Site) -> None:
    """What was complete stays so, and what a gate sends again of it is not taken anew."""
    upkeep(site.engine, NOW)
    ledger = Ledger("Main")
    ledger.scan(NOW - timedelta(days=800))
    ledger.scan(NOW - timedelta(days=30))
    ledger.scan(NOW)
    site.send(*ledger.scans)
    dropped = drop_before(site.engine, date(2026, 11, 1))
    with reading(site.engine) as conn:
        assert len(conn.execute(select(events)).all()) == 1
        (chain,) = devices.completeness(conn, site.school.school_id)
    assert dropped.scans + len(dropped.months) == 2
    assert (chain.complete_to, chain.whole) == (3, True)
    assert site.send(*ledger.scans) == ["duplicate"] * 3
