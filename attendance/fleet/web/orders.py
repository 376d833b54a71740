"""The commands as people see them: what each does, and what became of those that were given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from attendance.domain.wire import CommandKind
from attendance.fleet.log_store import LogStore
from attendance.fleet.store.commands import Ordered


@dataclass(frozen=True, slots=True)
class Order:
    """A kind of command.

    Attributes:
        question: with a place for the gate's name.
        effect: told before it is given.
    """

    kind: CommandKind
    button: str
    question: str
    effect: str
    grave: bool = False


ORDERS = (
    Order(
        CommandKind.SYNC,
        "Sync now",
        "Let {gate} send and fetch everything now?",
        "It sends what waits and fetches what is new from the centre. Scans go on meanwhile.",
    ),
    Order(
        CommandKind.BACKUP,
        "Back up now",
        "Let {gate} make a backup now?",
        "It makes a verified backup of its database. Scans go on meanwhile.",
    ),
    Order(
        CommandKind.LOGS,
        "Send logs",
        "Let {gate} send its logs?",
        "Its newest logs come here and can be downloaded for a month. They hold no names.",
    ),
    Order(
        CommandKind.RESTART,
        "Restart",
        "Restart {gate}?",
        "Its program ends and starts again. No card is read for about half a minute; nothing recorded is lost.",
        grave=True,
    ),
    Order(
        CommandKind.CONFIG,
        "New settings",
        "Which settings shall {gate} have?",
        "It checks them as if they were written into its configuration, takes all of them or none, and restarts.",
        grave=True,
    ),
)
BY_KIND: Mapping[str, Order] = {order.kind.value: order for order in ORDERS}
_TONES: Mapping[str, tuple[str, str]] = {
    "queued": ("notice", "Waiting"),
    "delivered": ("notice", "At the gate"),
    "done": ("ok", "Done"),
    "failed": ("error", "Failed"),
    "refused": ("warning", "Refused"),
    "expired": ("silent", "Expired"),
    "cancelled": ("silent", "Cancelled"),
}


def shown(command: Ordered, school_id: str, now: datetime, logs: LogStore) -> dict[str, Any]:
    """A command for the templates."""
    expired = command.state in ("queued", "delivered") and command.expires_at <= now
    tone, word = _TONES["expired" if expired else command.state]
    order = BY_KIND[command.kind]
    settings = ", ".join(sorted(command.arguments))
    return {
        "command_id": command.command_id,
        "name": f"{order.button}: {settings}" if settings else order.button,
        "by": command.issued_by,
        "at": command.issued_at,
        "tone": tone,
        "word": word,
        "detail": command.detail,
        "logs": order.kind == CommandKind.LOGS and command.state == "done" and logs.has(school_id, command.command_id),
    }
