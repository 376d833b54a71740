"""What is told of schools beside each other is what their days come to."""

import random
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from one_school import NOW, Site, found
from sqlalchemy import Engine, insert

from attendance.fleet.analytics import Attended, Steps, attended_by, by, days_with
from attendance.fleet.store import schools_compared
from attendance.fleet.store.analytics import Period
from attendance.fleet.store.analytics_tables import analysed_days, gate_days
from attendance.fleet.store.engine import reading, transaction

FIRST, DAYS = date(2024, 12, 1), 420
"""From a Sunday over two turns of the year, one of them within a week."""


def fill(site: Site) -> list[str]:
    """Days of two schools: whole ones, such with nobody, without a gate, and none at all; the schools."""
    dice = random.Random(5)
    counted, flows = [], []
    for gates in ((site.gate, site.other), (site.stranger,)):
        for n in range(DAYS):
            if dice.random() < 0.2:
                continue
            place = {"school_id": gates[0].school_id, "day": (FIRST + timedelta(days=n)).isoformat()}
            sizes = {name: dice.randrange(3) for name in ("expected", "present", "late")}
            counted.append({**place, **sizes, "marks": 1})
            for gate in gates:
                if dice.random() < 0.8:
                    came, went = dice.choice((0, 0, 7, 1000)), dice.randrange(3)
                    flows.append({**place, "gate_id": gate.gate_id, "came": came, "went": went})
    with transaction(site.engine) as conn:
        conn.execute(insert(analysed_days), counted)
        conn.execute(insert(gate_days), flows)
    return [site.school.school_id, site.stranger.school_id]


def test_sums_are_those_of_the_days(engine: Engine) -> None:
    """Of each step of any period, for any of the schools: the same as adding up what is told of each day."""
    every = fill(found(engine, NOW))

    @settings(max_examples=40, deadline=None)
    @given(st.integers(-3, DAYS), st.integers(0, DAYS), st.sets(st.sampled_from(every)))
    def periods(start: int, length: int, schools: set[str]) -> None:
        period = Period(FIRST + timedelta(days=start), FIRST + timedelta(days=start + length))
        steps = Steps(period.first, period.last)
        with reading(engine) as conn:
            days = by(schools_compared.by_day(conn, schools, period), lambda row: row.school_id)
            arrivals = schools_compared.arrivals(conn, schools, period, weekly=steps.weekly)
            attendance = schools_compared.attendance(conn, schools, period)
        told = by(arrivals, lambda row: row.school_id)
        assert set(told) <= set(days) <= schools
        for school, own in days.items():
            rows = told.get(school, [])
            assert steps.sums(rows, lambda row: row.came) == steps.sums(own, lambda row: row.came)
            assert sum(row.days for row in rows) == days_with(own, lambda row: row.came)
            assert len(rows) == len({row.day for row in rows}) <= len(steps.all())
        assert {school: Attended(*counts) for school, *counts in attendance} == attended_by(
            (row for own in days.values() for row in own), lambda row: row.school_id
        )

    periods()
