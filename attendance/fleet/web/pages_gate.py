"""The page of one gate: its problems, its day, its records, its device and its commands."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response
from markupsafe import Markup
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from attendance.domain.wire import CommandKind
from attendance.fleet.permits import Deed
from attendance.fleet.sight import GateInSight
from attendance.fleet.store import commands, health, overview, rollups
from attendance.fleet.store.engine import reading
from attendance.fleet.store.gates import Gate
from attendance.fleet.store.health import Past
from attendance.fleet.store.overview import GateChain
from attendance.fleet.watch import CLOCK_OFF_S
from attendance.fleet.web import charts, live
from attendance.fleet.web.desk import Desk, permits
from attendance.fleet.web.orders import ORDERS, shown
from attendance.fleet.web.words import UNKNOWN, celsius, count_of, duration, percent
from attendance.ops.machine import HOT_C

_HISTORY = timedelta(hours=24)
_COMMANDS_SHOWN = 8
_FULL_PERCENT = 90.0
_LINES: Sequence[tuple[str, str, str, float | None]] = (
    ("queue_items", "Records waiting", "{:,.0f}", 0.0),
    ("temperature_c", "Temperature", "{:.0f} °C", None),
    ("disk_used_percent", "Disk in use", "{:.0f} %", None),
    ("memory_mb", "Memory", "{:,.0f} MB", None),
)
"""Fact, its name, how the last value is written, and where the drawing begins."""


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/gates/<uuid:gate_id>")
    def gate(gate_id: UUID) -> Response:
        known = desk.gate(str(gate_id), Deed.SEE_GATES)
        seen = desk.sight.gate(known.gate_id)
        if seen is None:
            raise NotFound("The gate has just been removed.")
        now = desk.centre.clock.now().at
        return live.answer("fleet/gate.html", "fleet/gate_live.html", now, **_values(desk, known, seen))

    @pages.get("/gates/<uuid:gate_id>/logs/<uuid:command_id>")
    def logs(gate_id: UUID, command_id: UUID) -> Response:
        known = desk.gate(str(gate_id), Deed.COMMAND)
        with reading(desk.centre.engine) as conn:
            command = commands.get(conn, known.school_id, str(command_id))
        packed = desk.centre.logs.read(known.school_id, str(command_id)) if command else None
        if command is None or packed is None or command.gate_id != known.gate_id:
            raise NotFound("There are no such logs. They are kept for a month.")
        answer = make_response(packed)
        answer.mimetype = "application/gzip"
        answer.headers["Content-Disposition"] = f'attachment; filename="logs-{command_id}.gz"'
        return answer


def _values(desk: Desk, known: Gate, seen: GateInSight) -> dict[str, Any]:
    now = desk.centre.clock.now().at
    local = now.astimezone(ZoneInfo(known.timezone))
    may = permits(known.school_id)
    with reading(desk.centre.engine) as conn:
        scans = rollups.of_gate(conn, known.school_id, known.gate_id, local.date())
        usual = rollups.usual_of_day(conn, known.school_id, known.gate_id, local.date())
        history = health.history(conn, known.school_id, known.gate_id, now - _HISTORY)
        chains = overview.chains_of_gate(conn, known.school_id, known.gate_id)
        given = _commands(conn, desk, known) if may["command"] else []
    return {
        "gate": seen.gate,
        "seen": seen,
        "revoked": not known.live,
        "may": may,
        "today_chart": charts.day_chart({slot: each[0] for slot, each in scans.items()}, usual, local),
        "has_usual": bool(usual),
        "lines": list(_lines(history, now.replace(second=0, microsecond=0))),
        "chains": [_chain(chain) for chain in chains],
        "facts": list(_facts(seen)),
        "orders": ORDERS if may["configure"] else [each for each in ORDERS if each.kind != CommandKind.CONFIG],
        "commands": given,
    }


def _commands(conn: Connection, desk: Desk, known: Gate) -> list[dict[str, Any]]:
    found = commands.of_gate(conn, known.school_id, known.gate_id, _COMMANDS_SHOWN)
    return [shown(each, known.school_id, desk.centre.clock.now().at, desk.centre.logs) for each in found]


def _lines(history: Sequence[Past], now: datetime) -> Iterator[dict[str, Any]]:
    for key, name, written, low in _LINES:
        points = [
            ((each.at - (now - _HISTORY)) / _HISTORY, float(each.facts[key]))
            for each in history
            if isinstance(each.facts.get(key), int | float)
        ]
        if points:
            last = written.format(points[-1][1])
            values = [value for _, value in points]
            least, most = (written.format(each).partition(" ")[0] for each in (min(values), max(values)))
            told = f"{name} over the last day: from {least} to {most}, last {last}"
            still = "steady" if len(values) > 1 else "one reading"
            between = f"{least} to {most}" if least != most else still
            yield {"name": name, "last": last, "range": between, "svg": charts.sparkline(points, name=told, low=low)}


def _chain(chain: GateChain) -> dict[str, Any]:
    """As ``1–8,412``, complete; or up to where, and what is missing of how many."""
    values: dict[str, Any] = {"device_id": chain.device_id, "number": chain.number, "epoch": chain.epoch}
    upto = f"1–{count_of(chain.complete_to)}" if chain.complete_to else "none"
    if chain.broken_at is not None:
        return values | {"range": upto, "state": "error", "word": f"does not fit at {count_of(chain.broken_at)}"}
    missing = chain.newest - chain.complete_to
    if missing:
        of = f"{upto} of {count_of(chain.newest)}"
        return values | {"range": of, "state": "warning", "word": f"{count_of(missing)} on their way or missing"}
    return values | {"range": upto, "state": "ok", "word": "complete"}


def _facts(seen: GateInSight) -> Iterator[tuple[str, str | Markup, str]]:
    """Name, value and, if it is not as it should be, a state."""
    gate, vitals = seen.gate, seen.vitals
    free = f", {vitals.disk_free_gb:.1f} GB free" if vitals.disk_free_gb is not None else ""
    full = (vitals.disk_used_percent or 0) >= _FULL_PERCENT
    hot = (vitals.temperature_c or 0) >= HOT_C
    yield "Version", gate.version or UNKNOWN, ""
    yield "Waiting to be sent", _waiting(seen), ""
    yield "Disk in use", percent(vitals.disk_used_percent) + free, "warning" if full else ""
    yield "Temperature", celsius(vitals.temperature_c), "warning" if hot else ""
    yield "Power", _power(vitals.undervoltage), "warning" if vitals.undervoltage else ""
    yield ("Clock", *_clock(seen))
    yield "Memory", UNKNOWN if vitals.memory_mb is None else f"{vitals.memory_mb:.0f} MB", ""
    yield "Running for", UNKNOWN if vitals.uptime_s is None else duration(vitals.uptime_s), ""
    yield "Enrolled", f"{gate.enrolled_at.astimezone(ZoneInfo(gate.timezone)):%Y-%m-%d}", ""


def _waiting(seen: GateInSight) -> str:
    gate = seen.gate
    photos = f", {count_of(gate.photos_waiting)} photos" if gate.photos_waiting else ""
    if not gate.queue_items:
        return f"nothing{photos}"
    return f"{count_of(gate.queue_items)} records for {duration(gate.oldest_seconds)}{photos}"


def _power(low: bool | None) -> str:
    return UNKNOWN if low is None else "too weak now" if low else "ok"


def _clock(seen: GateInSight) -> tuple[str, str]:
    if seen.gate.called_at is None:
        return UNKNOWN, ""
    if seen.clock_off_s is None:
        return "not known to be right", "warning"
    if abs(seen.clock_off_s) > CLOCK_OFF_S:
        return f"{duration(abs(seen.clock_off_s))} {'ahead' if seen.clock_off_s > 0 else 'behind'}", "error"
    return "right", ""
