"""The vision process as the core starts it: on a socket pair, in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from attendance.clock import from_rfc3339
from attendance.sim.gate_camera import PASSAGE_S, Passer
from attendance.sim.video import Passage, one_after_another, record
from attendance.vision import assets
from attendance.vision.messages import (
    Beat,
    Ended,
    Hello,
    Message,
    Portrait,
    Sighting,
    Status,
    Stop,
    Verdict,
    decode,
    encode,
)

ROOT = Path(__file__).parents[2]
AT = "2026-06-08T06:40:00Z"
PASSERS = [Passer(f"2026-000{n}", f"Student {n}", f"2026-000{n}", "7-A", n) for n in (1, 2, 3)]


class Process:
    """A vision process and the core's end of its pipe."""

    def __init__(self, assets_dir: Path, *words: str) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "attendance.vision.worker", "--fd", str(theirs.fileno())]
        with theirs:
            self.child = subprocess.Popen(
                [*command, "--assets", str(assets_dir), *words],
                pass_fds=(theirs.fileno(),),
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stderr=subprocess.PIPE,
            )
        self.pipe = Connection(ours.detach())
        self.heard: list[Message] = []

    def say(self, message: Message) -> None:
        self.pipe.send_bytes(encode(message))

    def hear(self, within_s: float = 10.0) -> Message:
        assert wait([self.pipe], within_s), "the vision process is silent"
        message = decode(self.pipe.recv_bytes())
        self.heard.append(message)
        return message

    def until(self, wanted: Callable[[Message], bool], within_s: float = 20.0) -> Message:
        """Listen, answering every sighting with the wish for a photo."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            message = self.hear()
            if isinstance(message, Sighting):
                self.say(Verdict(message.sighting_id, True, message.boot_ns, message.wall, message.corners))
            if wanted(message):
                return message
        raise AssertionError("it did not come in time")

    def end(self) -> int:
        self.say(Stop())
        return self.child.wait(5)


@pytest.fixture
def start(assets_dir: Path) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def started(*words: str) -> Process:
        processes.append(Process(assets_dir, *words))
        return processes[-1]

    yield started
    for process in processes:
        process.pipe.close()
        process.child.kill()
        process.child.wait()
        assert process.child.stderr is not None
        process.child.stderr.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, assets_dir: Path) -> Path:
    """Two students one after the other, then two at once."""
    path = tmp_path_factory.mktemp("video") / "gate.avi"
    passages = one_after_another(PASSERS[:2])
    last = passages[-1].start_s + PASSAGE_S + 3
    passages += [Passage(PASSERS[2], last), Passage(PASSERS[0], last)]
    record(path, passages, portrait=assets.find(assets_dir).portrait, seed=3)
    return path


def is_ended(message: Message) -> bool:
    return isinstance(message, Ended)


def register(process: Process) -> list[tuple[str, bytes]]:
    return [(s.wall or "", s.payload) for s in process.heard if isinstance(s, Sighting)]


def photos(process: Process) -> list[tuple[bool, str, float, bytes]]:
    return [(p.final, p.reason, p.score, p.jpeg) for p in process.heard if isinstance(p, Portrait)]


def test_a_fast_file_gives_its_register_and_the_same_photos_every_time(
    start: Callable[..., Process], video: Path
) -> None:
    """Times, cards and pictures are those of the recording, however quick the machine or the core is."""
    runs = []
    for _ in range(2):
        process = start("--source", f"video:{video}", "--at", AT, "--fast")
        process.until(is_ended)
        assert process.end() == 0
        runs.append((register(process), photos(process)))
    assert runs[0] == runs[1]
    scans, portraits = runs[0]
    assert [payload for _, payload in scans[:2]] == [b"2026-0001", b"2026-0002"]
    assert {payload for _, payload in scans[2:]} == {b"2026-0001", b"2026-0003"}
    assert len(scans) == 4
    first = from_rfc3339(scans[0][0]) - from_rfc3339(AT)
    assert timedelta(seconds=0.6) < first < timedelta(seconds=0.6 + PASSAGE_S)
    assert [final for final, _, _, _ in portraits].count(True) == 4
    assert sum(bool(jpeg) for _, _, _, jpeg in portraits) >= 4


def test_a_file_waits_for_the_verdict_beating(start: Callable[..., Process], video: Path) -> None:
    """No further sighting and no further frame before the answer; the beat goes on."""
    process = start("--source", f"video:{video}", "--fast")
    while not isinstance(sighting := process.hear(), Sighting):
        pass
    beats = 0
    while beats < 5:
        message = process.hear()
        assert not isinstance(message, Sighting | Ended)
        beats += isinstance(message, Beat)
    process.say(Verdict(sighting.sighting_id, False, sighting.boot_ns))
    process.until(is_ended)


def test_after_the_end_it_beats_on_until_stopped(start: Callable[..., Process], video: Path) -> None:
    """A file that is over is no fault, and a reader's card gets its final word at once."""
    process = start("--source", f"video:{video}", "--fast")
    ended = process.until(is_ended)
    assert isinstance(ended, Ended)
    process.until(lambda m: isinstance(m, Status) and (m.camera, m.frames) == ("ended", ended.frames))
    process.say(Verdict("reader-1", True, ended.frames))
    final = process.until(lambda m: isinstance(m, Portrait) and m.sighting_id == "reader-1")
    assert isinstance(final, Portrait)
    assert final.final
    assert process.end() == 0


def test_the_first_frame_comes_within_a_second_or_so(start: Callable[..., Process]) -> None:
    """A replaced process sees again quickly; twice the promise, because the machine may be busy."""
    began = time.monotonic()
    process = start("--source", "demo")
    process.until(lambda m: isinstance(m, Status) and m.frames > 0)
    assert time.monotonic() - began < 2
    hello = process.heard[0]
    assert isinstance(hello, Hello)
    assert (hello.pid, hello.face_engine) == (process.child.pid, "blazeface+mesh")


def test_a_wrong_file_is_told_and_costs_no_process(start: Callable[..., Process]) -> None:
    """It beats and says what is wrong, rather than ending and being started again for ever."""
    process = start("--source", "video:/none.mp4")
    status = process.until(lambda m: isinstance(m, Status) and m.camera == "unusable")
    assert isinstance(status, Status)
    assert "'/none.mp4'" in status.detail
    assert process.end() == 0


def test_ctrl_c_is_for_the_core_and_sigterm_ends_it(start: Callable[..., Process]) -> None:
    """The interrupt of a terminal reaches both; only the core decides."""
    process = start("--source", "demo")
    process.until(lambda m: isinstance(m, Status) and m.frames > 0)
    process.child.send_signal(signal.SIGINT)
    process.until(lambda m: isinstance(m, Status) and m.frames > 10)
    process.child.send_signal(signal.SIGTERM)
    assert process.child.wait(5) == 0
    assert process.child.stderr is not None
    assert process.child.stderr.read() == b""


def test_it_ends_when_the_core_closes_the_pipe(start: Callable[..., Process]) -> None:
    """The pipe is its life, also while it waits for a camera."""
    process = start("--source", "v4l2:77")
    process.until(lambda m: isinstance(m, Status) and m.camera == "missing")
    process.pipe.close()
    assert process.child.wait(5) == 0


def test_it_dies_with_its_parent_even_when_stopped(
    assets_dir: Path, eventually: Callable[..., None], tmp_path: Path
) -> None:
    """A hanging vision process does not outlive a core that was killed."""
    core = (
        "import socket, subprocess, sys, time\n"
        "ours, theirs = socket.socketpair()\n"
        f"words = ['--fd', str(theirs.fileno()), '--source', 'v4l2:77', '--assets', {str(assets_dir)!r}]\n"
        "child = subprocess.Popen([sys.executable, '-m', 'attendance.vision.worker', *words],"
        " pass_fds=(theirs.fileno(),))\n"
        "ours.recv(1)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", core], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    os.kill(pid, signal.SIGSTOP)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_pictures_and_the_photo_style_come_from_the_command_line(
    start: Callable[..., Process], video: Path, tmp_path: Path
) -> None:
    """A folder of pictures is played at the camera's rate, and photos are cut as asked."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    capture, number = cv2.VideoCapture(str(video)), 0
    while number < 60:
        good, image = capture.read()
        assert good
        cv2.imwrite(str(folder / f"{number:04}.jpg"), image)
        number += 1
    style: dict[str, Any] = {"save_full_frame": False, "crop_padding": 10, "extra_top": 0, "jpeg_quality": 50}
    process = start("--source", f"images:{folder}", "--at", AT, "--fast", "--fps", "15", "--photo", json.dumps(style))
    process.until(is_ended)
    ((wall, payload),) = register(process)
    assert payload == b"2026-0001"
    assert from_rfc3339(wall) - from_rfc3339(AT) > timedelta(seconds=2 * 0.6)
    jpeg = next(jpeg for _, _, _, jpeg in photos(process) if jpeg)
    height, width = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    assert height < 480
    assert width < 640
