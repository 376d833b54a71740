"""Commands: what somebody at the centre wants a gate to do, kept until the gate has said what became of it."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from uuid6 import uuid7

from attendance.clock import rfc3339
from attendance.domain import contact, wire
from attendance.errors import BadInput
from attendance.fleet.store import audit
from attendance.fleet.store import commands as store
from attendance.fleet.store.gates import Gate

VALID_FOR = timedelta(days=7)
"""A gate that comes back after a week shall not restart because of what somebody wanted long ago."""
MOST_OPEN = 20
"""Of one gate: more is somebody who leans on a button."""
MOST_SETTINGS = 50
LARGEST_ARGUMENTS_BYTES = 8 * 1024


def order(
    conn: Connection, gate: Gate, kind: wire.CommandKind, arguments: Mapping[str, Any], actor: str, now: datetime
) -> str:
    """Queue a command for a gate and note who gave it; the command's id.

    Args:
        arguments: of ``config``: path of each setting to its new value. The gate judges them.
        actor: login of the person, who must have been judged before.

    Raises:
        BadInput: the gate is revoked, has too many open commands, or the arguments do not belong to the command.
    """
    _check(kind, arguments)
    if not gate.live:
        raise BadInput(f"The gate {gate.name!r} is revoked and takes no commands.")
    if len(store.open_for(conn, gate.gate_id, now)) >= MOST_OPEN:
        raise BadInput(f"{MOST_OPEN} commands wait for the gate {gate.name!r} already. It gets them when it calls.")
    command_id = str(uuid7())
    expires_at = now + VALID_FOR
    signature = wire.signature_of_command(
        gate.key_hash, command_id, gate.gate_id, kind, dict(arguments), rfc3339(now), rfc3339(expires_at)
    )
    store.queue(
        conn, gate.school_id, gate.gate_id, command_id, kind, dict(arguments), signature, actor, now, expires_at
    )
    told = {"command_id": command_id, "kind": kind, "settings": sorted(arguments)}
    audit.note(conn, gate.school_id, actor, "command", gate.gate_id, told, now)
    return command_id


def settle(conn: Connection, gate: Gate, results: Iterable[contact.CommandResult], now: datetime) -> None:
    """Note what a gate says became of its commands; results of unknown ones, or told again, change nothing."""
    for result in results:
        detail = result.detail.replace("\x00", "")
        if store.result(conn, gate.gate_id, result.command_id, result.state, detail, now):
            told = {"command_id": result.command_id, "state": result.state}
            audit.note(conn, gate.school_id, "gate", "command-ended", gate.gate_id, told, now)


def outstanding(conn: Connection, gate: Gate, now: datetime) -> list[wire.Command]:
    """What the gate is to do, the oldest first; told again with each heartbeat until it says what became of it."""
    waiting = store.open_for(conn, gate.gate_id, now)
    store.delivered(conn, gate.gate_id, [command.command_id for command in waiting], now)
    return waiting


def drop(conn: Connection, gate: Gate, now: datetime) -> None:
    """End what was meant for the machine whose place another one has taken: it was signed for that one's key."""
    for command in store.open_for(conn, gate.gate_id, now):
        store.result(conn, gate.gate_id, command.command_id, "cancelled", "Another machine took the gate's place.", now)


def wants_logs(conn: Connection, gate: Gate, command_id: str) -> bool:
    """Whether this command asked this gate for its logs."""
    command = store.get(conn, gate.school_id, command_id)
    return command is not None and command.gate_id == gate.gate_id and command.kind == wire.CommandKind.LOGS


def _check(kind: wire.CommandKind, arguments: Mapping[str, Any]) -> None:
    if kind is not wire.CommandKind.CONFIG:
        if arguments:
            raise BadInput(f"The command {kind.value!r} takes no settings.")
        return
    if not arguments or len(arguments) > MOST_SETTINGS:
        raise BadInput(f"Name 1 to {MOST_SETTINGS} settings, as buzzer.enabled=true.")
    if len(json.dumps(dict(arguments)).encode()) > LARGEST_ARGUMENTS_BYTES:
        raise BadInput(f"The settings are longer than {LARGEST_ARGUMENTS_BYTES} bytes. Send them in several commands.")
