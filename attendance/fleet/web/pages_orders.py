"""What is done to a gate: commands, another name, revoking. Each is asked about first, and noted."""

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from attendance.access.web.guard import account
from attendance.domain.wire import CommandKind
from attendance.errors import BadInput
from attendance.fleet import commands
from attendance.fleet.permits import Deed
from attendance.fleet.store import audit, gates
from attendance.fleet.store.engine import transaction
from attendance.fleet.store.gates import Gate
from attendance.fleet.web.desk import Desk, text_field
from attendance.fleet.web.orders import BY_KIND, Order


def add(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/gates/<uuid:gate_id>/commands/<kind>")
    def ordering(gate_id: UUID, kind: str) -> str:
        gate, order = _asked(desk, str(gate_id), kind)
        return _ask(gate, order)

    @pages.post("/gates/<uuid:gate_id>/commands/<kind>")
    def order(gate_id: UUID, kind: str) -> Any:
        gate, order = _asked(desk, str(gate_id), kind)
        settings = request.form.get("settings", "")
        now = desk.centre.clock.now().at
        try:
            arguments = read_settings(settings) if order.kind is CommandKind.CONFIG else {}
            with transaction(desk.centre.engine) as conn:
                commands.order(conn, gate, order.kind, arguments, account().login, now)
        except BadInput as error:
            return _ask(gate, order, settings, str(error)), 400
        return redirect(_page(gate, "commands"), 303)

    @pages.post("/gates/<uuid:gate_id>/name")
    def rename(gate_id: UUID) -> Any:
        gate = desk.gate(str(gate_id), Deed.ENROL)
        name, now = text_field("name", 100), desk.centre.clock.now().at
        with transaction(desk.centre.engine) as conn:
            gates.rename(conn, gate.school_id, gate.gate_id, name)
            told = {"from": gate.name, "to": name}
            audit.note(conn, gate.school_id, account().login, "gate-renamed", gate.gate_id, told, now)
        return redirect(_page(gate), 303)

    @pages.get("/gates/<uuid:gate_id>/revocation")
    def revoking(gate_id: UUID) -> str:
        gate = desk.gate(str(gate_id), Deed.ENROL)
        return render_template(
            "fleet/confirm.html",
            question=f"Revoke {gate.name}?",
            effect="The gate may not send or fetch anything any more, from now on. It goes on recording for itself. Its"
            " records stay at the centre. To take it back, invite it again.",
            action=url_for("fleet.revoke", gate_id=gate.gate_id),
            button="Revoke the gate",
            grave=True,
            back=_page(gate),
            trail=_trail(gate),
        )

    @pages.post("/gates/<uuid:gate_id>/revocation")
    def revoke(gate_id: UUID) -> Any:
        gate = desk.gate(str(gate_id), Deed.ENROL)
        now = desk.centre.clock.now().at
        with transaction(desk.centre.engine) as conn:
            if gates.revoke(conn, gate.school_id, gate.gate_id, now):
                audit.note(
                    conn, gate.school_id, account().login, "gate-revoked", gate.gate_id, {"name": gate.name}, now
                )
        return redirect(_page(gate), 303)


def read_settings(text: str) -> dict[str, Any]:
    """Settings as ``path = value``, one a line; a value is JSON or, if it is none, text.

    Raises:
        BadInput: a line is no setting, or a path is named twice.
    """
    settings: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        path, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not path.replace("_", "").replace(".", "").isalnum() or not path.isascii():
            raise BadInput(f"Line {number} is no setting. Write it as buzzer.enabled = false.")
        if path in settings:
            raise BadInput(f"Line {number} names {path} again.")
        try:
            settings[path] = json.loads(value, parse_constant=lambda word: word)
        except (ValueError, RecursionError):
            settings[path] = value
    return settings


def _asked(desk: Desk, gate_id: str, kind: str) -> tuple[Gate, Order]:
    gate = desk.gate(gate_id, Deed.CONFIGURE if kind == CommandKind.CONFIG else Deed.COMMAND)
    order = BY_KIND.get(kind)
    if order is None:
        raise NotFound("There is no such command.")
    return gate, order


def _ask(gate: Gate, order: Order, settings: str = "", fault: str = "") -> str:
    values: dict[str, Any] = {"settings": settings} if order.kind is CommandKind.CONFIG else {}
    return render_template(
        "fleet/confirm.html",
        question=order.question.format(gate=gate.name),
        effect=f"{order.effect} It happens at the next contact, usually within a minute.",
        action=url_for("fleet.order", gate_id=gate.gate_id, kind=order.kind.value),
        button=order.button,
        grave=order.grave,
        back=_page(gate),
        trail=_trail(gate),
        fault=fault,
        **values,
    )


def _trail(gate: Gate) -> list[tuple[str, str]]:
    return [("Gates", url_for("fleet.overview")), (gate.name, _page(gate))]


def _page(gate: Gate, anchor: str | None = None) -> str:
    return url_for("fleet.gate", gate_id=gate.gate_id, _anchor=anchor)
