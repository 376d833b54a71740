"""The vision process: the part of the gate that may hang, leak or crash, and is then replaced.

Started by the core with one end of a socket pair, on which it speaks ``vision.messages``. It ends when the core closes
the pipe or dies. One thread: what blocks the camera's driver blocks the beat, and that is the point.
"""

import argparse
import ctypes
import faulthandler
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, TypeVar

import cv2

from attendance.clock import boot_ns, from_rfc3339, rfc3339
from attendance.errors import AttendanceError
from attendance.vision import assets, camera, face
from attendance.vision.face import Face, FaceEngine
from attendance.vision.frames import Frame, Image, SourceEnded
from attendance.vision.lookback import Lookback
from attendance.vision.messages import (
    Beat,
    Ended,
    Hello,
    Message,
    Preview,
    Sighting,
    Status,
    Stop,
    Verdict,
    Watch,
    decode,
    encode,
)
from attendance.vision.portrait import PhotoStyle, PortraitSearch
from attendance.vision.qr import Code, QrReader
from attendance.vision.quality import Thresholds, assess
from attendance.vision.sightings import CardsInView
from attendance.vision.watch import CameraWatch

_PR_SET_PDEATHSIG = 1
_STATUS_NS = 1_000_000_000
_FACES_EVERY = 2
"""Faces are looked for in every second frame: a head moves little in 60 ms, and the search is dear."""
_VERDICT_S = 10.0
"""How long a file source waits for the core's answer before the next frame."""
_IDLE_S = 0.25
_PREVIEW_WIDTH = 640
_PREVIEW_QUALITY = 70

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the core tells on the command line but the camera."""

    lookback_s: float
    lookahead_s: float
    card_gone_s: float
    style: PhotoStyle
    thresholds: Thresholds


class Stopped(Exception):
    """The core wants the process to end, or has gone."""


class VisionLoop:
    """Camera to messages, a turn at a time."""

    def __init__(self, pipe: Connection, cameras: CameraWatch, engine: FaceEngine, plan: Plan) -> None:
        self._pipe = pipe
        self._camera = cameras
        self._engine = engine
        self._plan = plan
        self._reader = QrReader()
        self._cards = CardsInView(plan.card_gone_s)
        self._lookback = Lookback(plan.lookback_s)
        self._searches: dict[str, PortraitSearch] = {}
        self._faces: list[Face] = []
        self._turns = self._frames = self._status_frames = 0
        self._status_ns = self._last_frame_ns = self._preview_ns = 0
        self._preview_fps = 0.0
        self._ended = False

    def run(self) -> None:
        """Turn until stopped.

        Raises:
            Stopped: always, in the end.
        """
        self._send(Hello(os.getpid(), self._engine.name))
        while True:
            self.turn()

    def turn(self) -> None:
        """One turn: beat, listen, look, tell."""
        self._beat()
        self._listen(0)
        frame = self._frame()
        if frame is not None:
            self._look(frame)
        elif self._ended or self._camera.waiting_s > 0:
            self._listen(_IDLE_S)
        self._tell_status()

    def _frame(self) -> Frame | None:
        if self._ended:
            return None
        try:
            return self._camera.read()
        except SourceEnded:
            self._ended = True
            for sighting_id in list(self._searches):
                self._send(self._searches.pop(sighting_id).finish())
            self._send(Ended(self._frames))
            return None

    def _look(self, frame: Frame) -> None:
        self._frames += 1
        self._last_frame_ns = boot_ns()
        codes = self._reader.read(frame.image)
        if codes or self._searches or self._frames % _FACES_EVERY == 0:
            self._faces = self._engine.detect(frame.image)
            self._lookback.add(frame.image, frame.boot_ns, self._faces)
        for code in self._cards.new(codes, frame.boot_ns):
            self._sight(code, frame)
        self._search_on(frame)
        self._preview(frame.image)

    def _sight(self, code: Code, frame: Frame) -> None:
        sighting_id = f"{os.getpid()}-{self._frames}-{self._cards.count}"
        wall = rfc3339(frame.wall) if frame.wall else None
        self._send(Sighting(sighting_id, frame.boot_ns, wall, boot_ns(), code.corners, code.payload))
        if not self._camera.live:
            self._await_verdict(sighting_id)

    def _await_verdict(self, sighting_id: str) -> None:
        """A file waits for the answer, so that a fast run gives the same photos as a slow one."""
        deadline = boot_ns() + round(_VERDICT_S * 1e9)
        while boot_ns() < deadline:
            self._beat()
            if sighting_id in self._listen(_IDLE_S):
                return

    def _search_on(self, frame: Frame) -> None:
        for sighting_id, search in list(self._searches.items()):
            portrait = search.offer(frame.image, frame.boot_ns, self._faces)
            if portrait is not None:
                self._send(portrait)
            if search.done:
                del self._searches[sighting_id]

    def _listen(self, wait_s: float) -> set[str]:
        """Handle what the core has said; the ids of the sightings it has answered."""
        answered = set()
        while wait([self._pipe], wait_s):
            wait_s = 0
            try:
                message = decode(self._pipe.recv_bytes())
            except (EOFError, OSError) as gone:
                raise Stopped from gone
            if isinstance(message, Verdict):
                answered.add(message.sighting_id)
                if message.photo:
                    self._begin_search(message)
            elif isinstance(message, Watch):
                self._preview_fps = message.fps
            elif isinstance(message, Stop):
                raise Stopped
        return answered

    def _begin_search(self, verdict: Verdict) -> None:
        plan = self._plan
        search = PortraitSearch(verdict, self._engine, plan.style, plan.thresholds, round(plan.lookahead_s * 1e9))
        found = search.look_back(self._lookback)
        if found is not None:
            self._send(found)
        if self._ended:
            self._send(search.finish())
        elif not search.done:
            self._searches[verdict.sighting_id] = search

    def _preview(self, image: Image) -> None:
        if self._preview_fps <= 0 or boot_ns() - self._preview_ns < 0.95e9 / self._preview_fps:
            return
        self._preview_ns = boot_ns()
        height, width = image.shape[:2]
        if width > _PREVIEW_WIDTH:
            size = (_PREVIEW_WIDTH, max(1, height * _PREVIEW_WIDTH // width))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _PREVIEW_QUALITY])
        self._send(Preview(bytes(jpeg)))

    def _tell_status(self) -> None:
        now = boot_ns()
        passed_ns = now - self._status_ns
        if passed_ns < _STATUS_NS:
            return
        fps = (self._frames - self._status_frames) / (passed_ns / 1e9) if self._status_ns else 0.0
        self._status_ns, self._status_frames = now, self._frames
        self._send(
            Status(
                self._camera.state,
                self._camera.detail,
                self._frames,
                fps,
                self._last_frame_ns,
                self._advice(),
                len(self._faces),
            )
        )

    def _advice(self) -> str:
        """What the person in front of the camera could do better, from the newest frame with a face."""
        newest = self._lookback.newest
        if newest is None or not self._faces:
            return ""
        largest, *others = newest.faces
        return assess(newest.image, largest, others, None, self._plan.thresholds).advice

    def _beat(self) -> None:
        self._turns += 1
        self._send(Beat(self._turns))

    def _send(self, message: Message) -> None:
        try:
            self._pipe.send_bytes(encode(message))
        except OSError as gone:
            raise Stopped from gone


def main() -> int:
    args = _parser().parse_args()
    faulthandler.enable()
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminated)
    camera.quiet_opencv()
    try:
        with _pipe(args.fd) as pipe, _cameras(args) as cameras:
            plan = Plan(
                args.lookback_s,
                args.lookahead_s,
                args.card_gone_s,
                _options(PhotoStyle, args.photo),
                _options(Thresholds, args.thresholds),
            )
            VisionLoop(pipe, cameras, face.open_engine(assets.find(args.assets)), plan).run()
    except Stopped:
        pass
    except AttendanceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


@contextmanager
def _pipe(fd: int) -> Iterator[Connection]:
    pipe = Connection(fd)
    try:
        yield pipe
    finally:
        pipe.close()


@contextmanager
def _cameras(args: argparse.Namespace) -> Iterator[CameraWatch]:
    def demo() -> Any:
        from attendance.sim.gate_camera import DemoSource  # drawn only for the demo

        return DemoSource(json.loads(args.demo_students), assets.find(args.assets).portrait)

    plan = camera.CameraPlan(
        source=args.source,
        width=args.width,
        height=args.height,
        fps=args.fps,
        at=args.at,
        fast=args.fast,
        index=args.index,
        opencv_only=args.opencv_only == "true",
        picamera_options=json.loads(args.picamera_options),
        demo=demo,
    )
    cameras = CameraWatch(lambda: camera.open_source(plan))
    try:
        yield cameras
    finally:
        cameras.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="attendance.vision.worker", description="Started by the gate, not by hand.")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--at", type=_moment)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--opencv-only", default="false")
    parser.add_argument("--picamera-options", default="[]")
    parser.add_argument("--lookback-s", type=float, default=2.0)
    parser.add_argument("--lookahead-s", type=float, default=0.5)
    parser.add_argument("--card-gone-s", type=float, default=2.0)
    parser.add_argument("--photo", default="{}")
    parser.add_argument("--thresholds", default="{}")
    parser.add_argument("--demo-students", default="[]")
    return parser


def _moment(text: str) -> datetime:
    return from_rfc3339(text)


def _options(kind: type[T], text: str) -> T:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in json.loads(text).items() if name in known})


def _die_with_parent() -> None:
    """Let the kernel kill this process when the thread that started it ends, even by ``kill -9``."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        raise SystemExit(0)


def _terminated(number: int, stack: object) -> None:
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
