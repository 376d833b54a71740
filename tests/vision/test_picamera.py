"""The Raspberry Pi camera, with a stand-in for its program on the path."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from attendance.vision.frames import Frame, SourceLost
from attendance.vision.picamera import PiCamera

WIDTH, HEIGHT, FPS = 128, 48, 100
PROGRAM = f"""#!{sys.executable}
import os, sys, time
width, height = (int(sys.argv[sys.argv.index(name) + 1]) for name in ("--width", "--height"))
{{body}}
"""
COUNTING = """
number = 0
while True:
    number += 1
    os.write(2, b"info text\\n" * 50)
    frame = bytes([min(235, 16 + number)]) * (width * height) + bytes([128]) * (width * height // 2)
    while frame:
        frame = frame[os.write(1, frame):]
    time.sleep(1 / 100)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a camera program with such a body on the path."""

    def install(body: str) -> None:
        path = tmp_path / "rpicam-vid"
        path.write_text(PROGRAM.format(body=body))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return install


@pytest.fixture
def opened() -> Iterator[Callable[[], PiCamera]]:
    cameras: list[PiCamera] = []

    def open_camera() -> PiCamera:
        cameras.append(PiCamera(WIDTH + 12, HEIGHT, FPS))
        return cameras[-1]

    yield open_camera
    for camera in cameras:
        camera.close()


def first_frame(camera: PiCamera) -> Frame:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        frame = camera.read()
        if frame is not None:
            return frame
    raise AssertionError("no frame came")


def test_raw_frames_become_pictures(program: Callable[[str], None], opened: Callable[[], PiCamera]) -> None:
    """Width without padding, colours from YUV: grey stays grey, and each picture is brighter than the last."""
    program(COUNTING)
    camera = opened()
    first, second = first_frame(camera), first_frame(camera)
    assert first.image.shape == (HEIGHT, WIDTH, 3)
    assert float(first.image.std()) < 1
    assert second.image.mean() > first.image.mean()
    assert second.boot_ns > first.boot_ns


def test_a_slow_reader_gets_the_newest_frame(program: Callable[[str], None], opened: Callable[[], PiCamera]) -> None:
    """After a pause the picture is of now, though older ones wait in the pipe."""
    program(COUNTING)
    camera = opened()
    before = first_frame(camera).image.mean()
    until = time.monotonic() + 0.8
    while time.monotonic() < until:
        pass
    after = first_frame(camera).image.mean()
    assert after - before > 30


def test_a_frame_in_pieces_is_put_together(program: Callable[[str], None], opened: Callable[[], PiCamera]) -> None:
    """Reading in the middle of a frame gives None, never half a picture."""
    program(
        "half = width * height * 3 // 4\n"
        "os.write(1, bytes([200]) * half); time.sleep(0.8); os.write(1, bytes([200]) * half); time.sleep(30)"
    )
    camera = opened()
    assert camera.read() is None
    assert first_frame(camera).image.shape == (HEIGHT, WIDTH, 3)


def test_the_end_of_the_program_is_a_lost_camera_with_its_last_words(
    program: Callable[[str], None], opened: Callable[[], PiCamera]
) -> None:
    """Without a camera the program says so and ends; that is what a person reads."""
    program("sys.exit('ERROR: *** no cameras available ***')")
    camera = opened()
    with pytest.raises(SourceLost, match=r"code 1: ERROR: \*\*\* no cameras available"):
        first_frame(camera)


def test_without_the_program_there_is_no_such_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which package has it."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceLost, match="apt install rpicam-apps"):
        PiCamera(640, 480, 30)


def test_closing_ends_the_program_even_if_it_will_not(
    program: Callable[[str], None], opened: Callable[[], PiCamera]
) -> None:
    """A program that ignores SIGTERM is killed; closing twice is no error."""
    program("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + COUNTING)
    others = set(psutil.Process().children())
    camera = opened()
    first_frame(camera)
    children = [each for each in psutil.Process().children() if each not in others]
    assert children
    camera.close()
    camera.close()
    assert not psutil.wait_procs(children, timeout=5)[1]


def test_the_program_ends_with_its_process(
    program: Callable[[str], None], eventually: Callable[..., None], tmp_path: Path
) -> None:
    """A killed vision process leaves no program that holds the camera, even a hanging one."""
    program(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    code = "from attendance.vision.picamera import PiCamera\nc = PiCamera(640, 480, 30)\nwhile True: c.read()"
    owner = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.getcwd()})
    try:
        eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    pid = int((tmp_path / "pid").read_text())
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
