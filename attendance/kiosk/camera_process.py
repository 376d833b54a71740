"""The core's side of the vision process: its command line, its messages, what it last said of itself."""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from attendance.clock import rfc3339
from attendance.ops.worker import Worker, WorkerState
from attendance.vision.messages import (
    Beat,
    Ended,
    Hello,
    Portrait,
    Preview,
    Sighting,
    Status,
    Stop,
    Verdict,
    Watch,
    decode,
    encode,
)

log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
"""A Raspberry Pi on a slow card needs seconds to load OpenCV and the models."""


@dataclass(frozen=True, slots=True)
class VisionPlan:
    """What the vision process is told on its command line.

    Attributes:
        source: where frames come from, as ``--source``.
        at: when a file source begins; ``None`` for now.
        fast: play files without pacing.
        options: further options of ``attendance.vision.worker``, without their dashes.
    """

    source: str
    assets: Path
    at: datetime | None
    fast: bool
    options: Mapping[str, Any]


class CameraProcess:
    """Starts the vision process, routes what it says, replaces it when it is silent for ``timeout_s``."""

    def __init__(
        self,
        plan: VisionPlan,
        *,
        timeout_s: float,
        log_file: Path,
        on_scan: Callable[[Sighting | Portrait | Ended], None],
        on_preview: Callable[[bytes], None],
        on_replaced: Callable[[str], None],
        wanted_fps: Callable[[], float],
    ) -> None:
        self._plan = plan
        self._on_scan = on_scan
        self._on_preview = on_preview
        self._wanted_fps = wanted_fps
        self._on_replaced = on_replaced
        self.status: Status | None = None
        self.face_engine = ""
        self._worker = Worker(
            "vision",
            self._command,
            on_message=self._hear,
            on_replaced=self._replaced,
            timeout_s=timeout_s,
            start_timeout_s=max(timeout_s, START_TIMEOUT_S),
            stop_message=encode(Stop()),
            log_file=log_file,
        )

    @property
    def state(self) -> WorkerState:
        return self._worker.state

    def start(self) -> None:
        self._worker.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        return self._worker.stop(timeout_s)

    def replace(self, reason: str) -> None:
        """Replace the process soon, for a reason that goes to the log of restarts."""
        self._worker.replace(reason)

    def answer(self, verdict: Verdict) -> None:
        self._worker.send(encode(verdict))

    def watch(self, fps: float) -> None:
        """Want so many pictures a second for the live view."""
        self._worker.send(encode(Watch(fps)))

    def _command(self, fd: int) -> list[str]:
        plan = self._plan
        command = [sys.executable, "-m", "attendance.vision.worker", "--fd", str(fd)]
        command += ["--source", plan.source, "--assets", str(plan.assets)]
        if plan.at is not None:
            command += ["--at", rfc3339(plan.at)]
        if plan.fast:
            command.append("--fast")
        for name, value in plan.options.items():
            command += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        return command

    def _replaced(self, reason: str) -> None:
        self.status = None
        self._on_replaced(reason)

    def _hear(self, data: bytes) -> None:
        try:
            message = decode(data)
        except ValueError as error:
            log.error("message of the vision process ignored: %s", error)
            return
        match message:
            case Beat():
                return
            case Sighting() | Portrait() | Ended():
                self._on_scan(message)
            case Preview():
                self._on_preview(message.jpeg)
            case Status():
                self.status = message
            case Hello():
                self.face_engine = message.face_engine
                log.info("vision process ready: faces by %s", message.face_engine)
                self.watch(self._wanted_fps())
            case _:
                log.error("unexpected message of the vision process: %s", type(message).__name__)
