"""What the gate's screen is told, as it happens.

Publishing never waits: a viewer that does not keep up is dropped, and its browser asks again by itself.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from uuid6 import uuid7

from attendance.clock import boot_ns

HEARTBEAT_S = 4.0
"""Longest silence on a stream; proxies, browsers and the web server's deadlines expect at most 5 s."""
_BACKLOG = 64
"""Events a viewer may be behind. A school's busiest gate makes a handful a second."""
_REMEMBERED = 16
_REPLAY_S = 3.0
"""A result older than this is no longer shown to the student it was for."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message to the screens.

    Attributes:
        id: of this run of the gate, growing.
        data: one line of JSON, with ``kind`` in it.
    """

    id: str
    data: str
    boot_ns: int


class Subscription:
    """One viewer's queue. Iterating waits; yields ``None`` after each ``HEARTBEAT_S`` of silence; ends when closed."""

    def __init__(self, first: list[Event]) -> None:
        self._events = deque(first)
        self._changed = threading.Condition()
        self._closed = False

    def put(self, event: Event) -> bool:
        """Add an event without waiting; whether the viewer keeps up."""
        with self._changed:
            if len(self._events) >= _BACKLOG:
                self._closed = True
            else:
                self._events.append(event)
            self._changed.notify()
            return not self._closed

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def __iter__(self) -> Iterator[Event | None]:
        while True:
            with self._changed:
                if not self._events and not self._closed:
                    self._changed.wait(HEARTBEAT_S)
                if self._closed:
                    return
                event = self._events.popleft() if self._events else None
            yield event


class ScreenEvents:
    """Tells every screen the same. Kinds and their fields: docs/decisions/0020-web.md."""

    def __init__(self) -> None:
        self._run = str(uuid7())
        self._lock = threading.Lock()
        self._count = 0
        self._subscriptions: list[Subscription] = []
        self._state: Event | None = None
        self._recent: deque[Event] = deque(maxlen=_REMEMBERED)

    def publish(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell all screens; returns at once. The last ``state`` is kept for those that come later.

        Args:
            data: plain JSON values.
        """
        text = json.dumps({"kind": kind, **data}, ensure_ascii=False, separators=(",", ":"))
        with self._lock:
            self._count += 1
            event = Event(f"{self._run}.{self._count}", text, boot_ns())
            if kind == "state":
                self._state = event
            else:
                self._recent.append(event)
            self._subscriptions = [viewer for viewer in self._subscriptions if viewer.put(event)]

    def subscribe(self, last_id: str = "") -> Subscription:
        """Listen: first the last state and, after a lost connection, what was missed in the last moments.

        Args:
            last_id: the last event that this viewer has seen.
        """
        run, _, number = last_id.rpartition(".")
        with self._lock:
            first = [self._state] if self._state else []
            if run == self._run and number.isdecimal() and len(number) < 19:
                since = boot_ns() - int(_REPLAY_S * 1e9)
                first += [e for e in self._recent if _number(e.id) > _number(last_id) and e.boot_ns > since]
            subscription = Subscription(first)
            self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
        subscription.close()

    @property
    def viewers(self) -> int:
        with self._lock:
            return len(self._subscriptions)


def _number(event_id: str) -> int:
    return int(event_id.rpartition(".")[2])
