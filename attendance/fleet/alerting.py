"""The centre tells people of the problems of their gates, as its pages show them. One replica does it at a time."""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import time
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from attendance.clock import Clock, Moment
from attendance.domain.quiet import QuietHours
from attendance.fleet.sight import GateInSight, Sight
from attendance.fleet.store import alerting
from attendance.fleet.store.alerting import AlertReceiver
from attendance.fleet.store.engine import reading, transaction
from attendance.ops.alert_letters import Letters
from attendance.ops.alert_post import PATIENCE_S, Post, Poster
from attendance.ops.alert_words import words
from attendance.ops.alerts import Alert, Alerts, Found, Notice, Policy, from_json, to_json

log = logging.getLogger(__name__)

POLICY = Policy(
    lasts_s={"error": 120.0, "warning": 3_600.0},
    again_s={"error": 4 * 3_600.0, "warning": 24 * 3_600.0},
    calm_s=300.0,
    escalate_s=1_800.0,
)
"""The defaults of a gate's own ``alerts``."""
QUIET = QuietHours(time(20), time(6))
"""By the clock of the school."""
LOOK_S = 30.0
_DUTY = "alerts"
_HOLD_S = 3 * LOOK_S + 2 * PATIENCE_S
"""A replica that dies leaves its duty to another in a few minutes."""


class CentreAlerting:
    """Looks at all gates every half minute, if it is this process' duty.

    What was told of a school is noted only when it has left: an end in between tells it twice rather than never.
    """

    def __init__(self, engine: Engine, clock: Clock, sight: Sight, poster: Poster) -> None:
        self._engine = engine
        self._clock = clock
        self._poster = poster
        self._sight = sight
        self._holder = secrets.token_hex(8)
        self._letters: dict[str, Letters] = {}
        self._known: dict[str, Alerts] = {}
        self.wake = poster.interrupt

    def step(self) -> float:
        now = replace(self._clock.now(), trusted=True)  # a server that others sign by
        with transaction(self._engine) as conn:
            mine = alerting.take_duty(conn, _DUTY, self._holder, now.at, _HOLD_S)
        if not mine:
            self._letters.clear()
            self._known.clear()
            return LOOK_S
        for school_id, gates in groupby(self._sight.gates(), key=lambda each: each.gate.school_id):
            self._look(school_id, list(gates), now)
        return LOOK_S

    def _look(self, school_id: str, gates: Sequence[GateInSight], now: Moment) -> None:
        with reading(self._engine) as conn:
            receivers = alerting.of_school(conn, school_id)
            stored = alerting.remembered(conn, school_id)
        if not receivers:
            return
        letters = self._letters.setdefault(school_id, Letters(self._poster, self._clock))
        alerts = self._known.get(school_id) if letters.waiting else None
        if alerts is None:  # what others have noted, an acknowledgement above all
            alerts = self._known[school_id] = Alerts(POLICY, _read(stored))
        found = [Found(each.gate.name, problem) for each in gates for problem in each.problems]
        quiet = QUIET.hold(now.at.astimezone(ZoneInfo(gates[0].gate.timezone)).time())
        for notice in alerts.look(found, now, quiet=quiet):
            letters.add(_post(notice, gates[0].gate.school, receivers))
        letters.deliver()
        text = to_json(alerts.all).decode()
        if not letters.waiting and text != stored:
            with transaction(self._engine) as conn:
                alerting.remember(conn, school_id, text)


def acknowledge(stored: str, gate: str, code: str) -> str | None:
    """What is remembered once somebody looks after a gate's problem; ``None`` if it is not known."""
    alerts = Alerts(POLICY, _read(stored))
    return to_json(alerts.all).decode() if alerts.acknowledge(code, gate) else None


def known(stored: str) -> list[Alert]:
    """Of which problems of a school people know, or soon will."""
    return Alerts(POLICY, _read(stored)).all


def _read(stored: str) -> list[Alert]:
    try:
        return from_json(stored.encode()) if stored else []
    except ValueError:
        log.error("what people know of problems cannot be read; they may be told again")
        return []


def _post(notice: Notice, school: str, receivers: Sequence[AlertReceiver]) -> Post:
    further = notice.kind == "escalation"
    said = words(notice, school)
    log.info("alert: %s", said.title)
    addresses = [each.address for each in receivers if each.escalation == further]
    return Post(addresses, said.title, said.body, said.severity)
