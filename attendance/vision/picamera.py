"""The Raspberry Pi camera: raw frames from the standard output of ``rpicam-vid`` (``libcamera-vid`` before 2024).

No Python binding: the system's binding needs the system's numpy, which this environment does not have.
"""

import contextlib
import fcntl
import os
import select
import shutil
import subprocess
from collections.abc import Sequence

import cv2
import numpy as np

from attendance.clock import boot_ns
from attendance.vision.frames import Frame, SourceLost
from attendance.vision.newest import Newest
from attendance.vision.parent import die_with_parent

_WAIT_S = 0.5
_SILENT_S = 5.0
_PIPE_BYTES = 1 << 20
"""What an unprivileged process may make of a pipe: frames then wait there, not in the camera program."""
_LAST_WORDS_BYTES = 4096
_ROW_PIXELS = 64
"""The camera's rows are padded to so many pixels, and the padding would be in the stream."""


def find_program() -> str | None:
    """The camera program of this machine."""
    return shutil.which("rpicam-vid") or shutil.which("libcamera-vid")


class PiCamera:
    """Owns a camera program and its pipes. The size asked for is rounded down to one without padding.

    Raises:
        SourceLost: the program is not installed.
    """

    live = True
    name = "picamera"

    def __init__(self, width: int, height: int, fps: float, options: Sequence[str] = ()) -> None:
        program = find_program()
        if program is None:
            raise SourceLost("rpicam-vid is not installed; `sudo apt install rpicam-apps` installs it.")
        self._width, self._height = max(_ROW_PIXELS, width // _ROW_PIXELS * _ROW_PIXELS), max(2, height // 2 * 2)
        self._size = self._width * self._height * 3 // 2
        command = [program, "--nopreview", "--verbose", "0", "--timeout", "0", "--flush"]
        command += ["--codec", "yuv420", "--output", "-", "--framerate", f"{fps:g}"]
        command += ["--width", str(self._width), "--height", str(self._height), *options]
        # A camera program that outlived this process would keep the camera from the next one.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._frames, self._errors = self._process.stdout.fileno(), self._process.stderr.fileno()
        for fd in (self._frames, self._errors):
            os.set_blocking(fd, False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._frames, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._newest = Newest(self._grab, fps)
        self._coming = bytearray()
        self._whole = b""
        self._said = b""
        self._heard_ns = boot_ns()

    def read(self) -> Frame | None:
        """The newest whole frame.

        Raises:
            SourceLost: the program has ended, or gives nothing.
        """
        taken_ns = self._newest.grab()
        self._listen()
        if taken_ns is None:
            self._check_alive()
            return None
        self._heard_ns = taken_ns
        raw = np.frombuffer(self._whole, np.uint8).reshape(self._height * 3 // 2, self._width)
        return Frame(cv2.cvtColor(raw, cv2.COLOR_YUV2BGR_I420), taken_ns)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _grab(self) -> bool:
        """Complete one frame; whether that worked within ``_WAIT_S``. A half frame is kept for the next time."""
        deadline_ns = boot_ns() + round(_WAIT_S * 1e9)
        while len(self._coming) < self._size:
            ready, _, _ = select.select([self._frames], [], [], max(0.0, (deadline_ns - boot_ns()) / 1e9))
            chunk = os.read(self._frames, self._size - len(self._coming)) if ready else b""
            if not chunk:
                self._wait_for_end(ended=bool(ready))
                return False
            self._coming += chunk
        self._whole = bytes(self._coming)
        self._coming.clear()
        return True

    def _wait_for_end(self, *, ended: bool) -> None:
        """A program that has closed its output ends in a moment: its code and last words say why."""
        if ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_WAIT_S)

    def _listen(self) -> None:
        """Keep the last of what the program says; it would stop if nobody took it."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._errors, 1 << 16):
                self._said = (self._said + chunk)[-_LAST_WORDS_BYTES:]

    def _check_alive(self) -> None:
        code = self._process.poll()
        if code is not None:
            self._listen()
            words = self._said.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
            raise SourceLost(f"The camera program ended with code {code}: {words[-1]}")
        if boot_ns() - self._heard_ns > _SILENT_S * 1e9:
            raise SourceLost(f"The camera program has given no picture for {_SILENT_S:.0f} s.")
