"""From camera to messages, a turn at a time."""

import os
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

import cv2

from attendance.clock import boot_ns, rfc3339
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

_STATUS_NS = 1_000_000_000
_FACES_EVERY = 2
"""Faces are looked for in every second frame: a head moves little in 60 ms, and the search is dear."""
_VERDICT_S = 10.0
"""How long a file source waits for the core's answer before the next frame."""
_SEARCH_GRACE_S = 0.5
"""A live camera that gives no frame for so long after a search's time does not keep the search open."""
_REST_S = 0.25
_PREVIEW_WIDTH = 640
_PREVIEW_QUALITY = 70


@dataclass(frozen=True, slots=True)
class Plan:
    """How the loop works, but for the camera."""

    lookback_s: float
    lookahead_s: float
    card_gone_s: float
    style: PhotoStyle
    thresholds: Thresholds


class Stopped(Exception):
    """The core wants the process to end, or has gone."""


@dataclass(slots=True)
class _Running:
    """A search, and when it ends without further frames."""

    search: PortraitSearch
    deadline_ns: int


class VisionLoop:
    """Beats, listens, looks and tells."""

    def __init__(self, pipe: Connection, camera: CameraWatch, engine: FaceEngine, plan: Plan) -> None:
        self._pipe = pipe
        self._camera = camera
        self._engine = engine
        self._plan = plan
        self._reader = QrReader()
        self._cards = CardsInView(plan.card_gone_s)
        self._lookback = Lookback(plan.lookback_s)
        self._searches: dict[str, _Running] = {}
        self._faces: list[Face] = []
        self._turns = self._frames = self._sightings = self._status_frames = 0
        self._status_ns = self._last_frame_ns = self._preview_ns = 0
        self._preview_fps = 0.0

    def run(self) -> None:
        """Turn until stopped.

        Raises:
            Stopped: always, in the end.
        """
        self._send(Hello(os.getpid(), self._engine.name))
        while True:
            self.turn()

    def turn(self) -> None:
        """One turn: as long as the driver takes for a frame, or a quarter of a second without a camera."""
        self._beat()
        self._listen(_REST_S if self._camera.resting else 0)
        frame = self._read()
        if frame is not None:
            self._look(frame)
        elif self._camera.state != "ok":
            self._faces = []
        self._end_overdue()
        self._tell_status()

    def _read(self) -> Frame | None:
        try:
            return self._camera.read()
        except SourceEnded:
            self._end_overdue()
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
        self._sightings += 1
        sighting_id = f"{os.getpid()}-{self._frames}-{self._sightings}"
        wall = rfc3339(frame.wall) if frame.wall else None
        self._send(Sighting(sighting_id, frame.boot_ns, wall, boot_ns(), code.corners, code.payload))
        if not self._camera.live:
            self._await_verdict(sighting_id)

    def _await_verdict(self, sighting_id: str) -> None:
        """A file waits for the answer, so that a fast run gives the same photos as a slow one."""
        deadline = boot_ns() + round(_VERDICT_S * 1e9)
        while boot_ns() < deadline:
            self._beat()
            if sighting_id in self._listen(_REST_S):
                return

    def _search_on(self, frame: Frame) -> None:
        for sighting_id, running in list(self._searches.items()):
            portrait = running.search.offer(frame.image, frame.boot_ns, self._faces)
            if portrait is not None:
                self._send(portrait)
            if running.search.done:
                del self._searches[sighting_id]

    def _end_overdue(self) -> None:
        """Finish the searches for which no frame will come, or has come in time."""
        for sighting_id, running in list(self._searches.items()):
            if self._camera.over or (self._camera.live and boot_ns() > running.deadline_ns):
                del self._searches[sighting_id]
                self._send(running.search.finish())

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
        if not search.done:
            deadline_ns = boot_ns() + round((plan.lookahead_s + _SEARCH_GRACE_S) * 1e9)
            self._searches[verdict.sighting_id] = _Running(search, deadline_ns)

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
        camera = self._camera
        self._send(
            Status(
                camera.state,
                camera.detail,
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
