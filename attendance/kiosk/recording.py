"""From a card in front of the gate to what the student sees: camera, station, album, display and signals as one.

A composition root of its own: who gets what, on the way of a scan.
"""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from attendance.clock import Clock
from attendance.config import Paths, Settings
from attendance.kiosk import keyring, plan, probes
from attendance.kiosk.album import Album, Entry
from attendance.kiosk.camera_process import CameraProcess
from attendance.kiosk.display import Display
from attendance.kiosk.feedback import SignalFeedback
from attendance.kiosk.parts import Part, nothing, of_service
from attendance.kiosk.plan import RunOptions
from attendance.kiosk.recycling import VisionRelief
from attendance.kiosk.sms.proof import camera_sees
from attendance.kiosk.station import Outcome, Station
from attendance.kiosk.store import register
from attendance.kiosk.store.database import reading
from attendance.kiosk.web.events import ScreenEvents
from attendance.kiosk.web.preview import PreviewFeed
from attendance.kiosk.web.screen import Screen
from attendance.ops.health import HealthBoard, ProbeResult
from attendance.ops.memory import Watched
from attendance.ops.sqlite import Writer
from attendance.ops.webserver import Streams
from attendance.vision.messages import Verdict

_VISION_DEADLINE_S = 120.0
"""So long replacing the vision process may fail before the whole gate is started anew."""
_READER_USED_S = 12 * 3600.0


class Recording:
    """The way of a scan.

    Args:
        board: what the display shows of the gate's health.
        accepts: whether cards are taken now.
        photos_have_room: whether a photo may be kept.
        shown: gets each outcome after the student has.
        photo_done: gets a scan's first photo that was kept, or one that could not be.
        replaced: why the vision process was replaced.
        ended: called when a file source is over.

    Attributes:
        rules: what the gate is told by its configuration.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        writer: Writer,
        clock: Clock,
        options: RunOptions,
        *,
        board: HealthBoard,
        accepts: Callable[[], bool],
        photos_have_room: Callable[[], bool],
        shown: Callable[[Outcome], object],
        photo_done: Callable[[Entry, bool], None],
        replaced: Callable[[str], object],
        ended: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._clock = clock
        self._options = options
        self._accepts = accepts
        self._shown = shown
        self._replaced = replaced
        self._read_boot_ns = 0
        self.rules = plan.gate_rules(settings, keyring.load(paths.resolve(settings.cards.key)))
        self._album = Album(
            paths.data_dir,
            writer,
            lambda scan_id: self._display.photo_kept(scan_id),
            has_room=photos_have_room,
            measure=photo_done,
        )
        self._events = ScreenEvents()
        self._preview = PreviewFeed(lambda fps: self._camera.watch(fps))
        self._camera = CameraProcess(
            plan.vision_plan(settings, paths, options),
            timeout_s=float(settings.watchdog.vision_timeout_seconds),
            log_file=paths.resolve(settings.logging.log_dir) / "vision.log",
            on_scan=lambda message: self._station.receive(message),
            on_preview=self._preview.put,
            on_replaced=self._vision_replaced,
            wanted_fps=lambda: self._preview.wanted_fps,
        )
        self._feedback, self._feedback_service = plan.feedback(settings)
        self._display = Display(
            self._events,
            clock,
            sound=self._feedback.show,
            snapshot=board.snapshot,
            camera=lambda: self._camera.status,
        )
        self._station = Station(
            self.rules, clock, writer, self._album, answer=self._answer, show=self._show, ended=ended
        )

    @property
    def recorders(self) -> Sequence[Part]:
        """What writes, to be started before anything can be shown to the gate."""
        return [
            of_service(self._album.service, stop=self._album.stop),
            of_service(self._station.service, stop=self._station.stop),
        ]

    @property
    def signals(self) -> Sequence[Part]:
        """What the student sees and hears."""
        feedback = [of_service(self._feedback_service)] if self._feedback_service else []
        return [of_service(self._display.service), Part("pins", nothing, self._close_feedback), *feedback]

    @property
    def vision(self) -> Part:
        """What sees; the last to start."""
        camera = self._camera
        return Part("vision", camera.start, camera.stop, _VISION_DEADLINE_S, lambda: camera.state.well_boot_ns)

    @property
    def vision_pid(self) -> int | None:
        """The process that sees, while there is one."""
        return self._camera.state.pid

    @property
    def quiet_s(self) -> float:
        """How long nobody has shown a card."""
        return self._station.quiet_s

    @property
    def ready(self) -> bool:
        """Whether a card would be seen and recorded as far as processes go."""
        return self._station.service.state.running and self.vision_pid is not None

    @property
    def works(self) -> bool:
        """Whether somebody who shows a card now is seen and recorded."""
        sees = camera_sees(self._camera.status, self._clock.boot_ns()) or self._reader_in_use()
        return sees and self._station.recording and self._station.service.state.running

    @property
    def memory(self) -> Watched:
        """The vision process, for whoever watches over memory: it is replaced between two sightings."""
        relief = VisionRelief(lambda: self.quiet_s, self._camera.replace)
        return Watched("vision", lambda: self.vision_pid, self._settings.memory.vision_budget_mb, relief)

    def screen(self, streams: Streams, zone: ZoneInfo) -> Screen | None:
        """The gate's page, if it has one."""
        settings = self._settings
        if self._options.headless or not settings.screen.enabled:
            return None
        return Screen(
            events=self._events,
            preview=self._preview,
            streams=streams,
            scan=self._read,
            photo=self._photo,
            clock=self._clock,
            zone=zone,
            school=settings.school.name,
            gate=settings.device.device_name,
        )

    def add_probes(self, board: HealthBoard, zone: ZoneInfo) -> None:
        """Let health ask how camera, station and signals are."""
        board.add_probe("camera", probes.CameraProbe(self._camera, self._clock, zone))
        board.add_probe("recording", probes.recording_probe(lambda: self._station.recording))
        if isinstance(self._feedback, SignalFeedback):
            feedback = self._feedback
            board.add_probe("feedback", lambda: ProbeResult("feedback", {}, feedback.problems))

    def _answer(self, verdict: Verdict) -> None:
        self._camera.answer(verdict)

    def _show(self, outcome: Outcome) -> None:
        self._display.show(outcome)
        self._shown(outcome)

    def _vision_replaced(self, reason: str) -> None:
        self._preview.clear()
        self._station.interrupted(reason)
        self._replaced(reason)

    def _reader_in_use(self) -> bool:
        """Whether the page that readers type into is open, and one has typed today: it needs no camera."""
        age_s = (self._clock.boot_ns() - self._read_boot_ns) / 1e9
        return self._read_boot_ns > 0 and age_s < _READER_USED_S and self._events.viewers > 0

    def _read(self, payload: bytes) -> bool:
        if not self._accepts():
            return False
        self._read_boot_ns = self._clock.boot_ns()
        self._station.read(payload)
        return True

    def _photo(self, scan_id: str) -> bytes | None:
        with reading(self._paths.database) as conn:
            path = register.photo_of(conn, scan_id)
        try:
            return (self._paths.data_dir / path).read_bytes() if path else None
        except OSError:
            return None

    def _close_feedback(self, timeout_s: float) -> bool:
        if isinstance(self._feedback, SignalFeedback):
            self._feedback.close()
        return True
