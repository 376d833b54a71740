"""A gate's web application with plain callables behind it, for the tests of the screen."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import numpy as np
from flask import Flask

from attendance.clock import ManualClock
from attendance.kiosk.web.access import Access
from attendance.kiosk.web.events import ScreenEvents
from attendance.kiosk.web.health import HealthPages
from attendance.kiosk.web.pages import gate_app
from attendance.kiosk.web.preview import PreviewFeed
from attendance.kiosk.web.screen import Screen
from attendance.ops.health import HealthBoard
from attendance.ops.webserver import Streams, WebServer

MANILA = ZoneInfo("Asia/Manila")


def picture(width: int = 640, height: int = 480, shade: int = 90) -> bytes:
    """A JPEG of something that looks a little like a person before a wall."""
    image = np.full((height, width, 3), (shade + 40, shade + 20, shade), np.uint8)
    cv2.ellipse(image, (width // 2, height), (width // 3, height // 3), 0, 180, 360, (120, 70, 40), -1)
    cv2.ellipse(image, (width // 2, int(height * 0.42)), (width // 8, height // 5), 0, 0, 360, (150, 180, 225), -1)
    return cv2.imencode(".jpg", image)[1].tobytes()


def scan_event(tone: str = "in", title: str = "In", **values: Any) -> dict[str, Any]:
    """The data of a ``scan`` event."""
    return {
        "scan_id": "scan-1",
        "outcome": tone,
        "tone": tone,
        "title": title,
        "sentence": "Good morning.",
        "name": "Maria Santos",
        "section": "Grade 7 - Rizal",
        "time": "07:12:45",
        "photo": False,
        "count": 42,
        **values,
    }


@dataclass
class Gate:
    """What stands behind the screen of a test."""

    access: Access = field(default_factory=Access)
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime(2026, 6, 8, 23, 12, 45, tzinfo=UTC)))
    streams: Streams = field(default_factory=lambda: Streams(8))
    events: ScreenEvents = field(default_factory=ScreenEvents)
    watched: list[float] = field(default_factory=list)
    scans: list[bytes] = field(default_factory=list)
    photos: dict[str, bytes] = field(default_factory=dict)
    takes_scans: bool = True
    started: bool = True

    def __post_init__(self) -> None:
        self.preview = PreviewFeed(self.watched.append)
        self.board = HealthBoard(self.clock.boot_ns)

    def app(self, *, headless: bool = False) -> Flask:
        health = HealthPages(self.board.snapshot, self.clock, MANILA, lambda: self.started, lambda: self.takes_scans)
        screen = Screen(
            events=self.events,
            preview=self.preview,
            streams=self.streams,
            scan=self._scan,
            photo=self._photo,
            clock=self.clock,
            zone=MANILA,
            school="Rizal National High School",
            gate="Main gate",
        )
        return gate_app(access=self.access, health=health, screen=None if headless else screen)

    def server(self, port: int = 0) -> WebServer:
        return WebServer(self.app(), "127.0.0.1", port, streams=self.streams)

    def _photo(self, scan_id: str) -> bytes | None:
        return self.photos.get(scan_id)

    def _scan(self, payload: bytes) -> bool:
        self.scans.append(payload)
        return self.takes_scans
