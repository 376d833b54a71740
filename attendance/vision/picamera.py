"""The Raspberry Pi camera: raw frames from the standard output of ``rpicam-vid`` (``libcamera-vid`` before 2024).

No Python binding: the system's binding needs the system's numpy, which this environment does not have.
"""

import logging
import os
import select
import shutil
import subprocess
from collections.abc import Sequence

import cv2
import numpy as np

from attendance.clock import boot_ns
from attendance.vision.frames import Frame, SourceLost

log = logging.getLogger(__name__)

_WAIT_S = 0.5
_CHUNK_BYTES = 1 << 20
_SILENT_S = 5.0


def find_program() -> str | None:
    """The camera program of this machine."""
    return shutil.which("rpicam-vid") or shutil.which("libcamera-vid")


class PiCamera:
    """Owns a camera program. Width and height are made even, as YUV 4:2:0 needs them."""

    live = True
    name = "picamera"

    def __init__(self, width: int, height: int, fps: float, options: Sequence[str] = ()) -> None:
        program = find_program()
        if program is None:
            raise SourceLost("rpicam-vid is not installed: run `sudo apt install rpicam-apps`.")
        self._width, self._height = width // 64 * 64 or 64, height // 2 * 2
        self._size = self._width * self._height * 3 // 2
        command = [program, "--nopreview", "--timeout", "0", "--codec", "yuv420", "--output", "-", "--flush"]
        command += ["--width", str(self._width), "--height", str(self._height), "--framerate", f"{fps:g}", *options]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=None)
        assert self._process.stdout is not None
        self._fd = self._process.stdout.fileno()
        os.set_blocking(self._fd, False)
        self._buffer = bytearray()
        self._heard_ns = boot_ns()

    def read(self) -> Frame | None:
        """The newest whole frame; older ones that waited in the pipe are dropped."""
        ready, _, _ = select.select([self._fd], [], [], _WAIT_S)
        if ready:
            self._drain()
        if len(self._buffer) < self._size:
            self._check_alive()
            return None
        taken_ns = self._heard_ns = boot_ns()
        whole = len(self._buffer) // self._size * self._size
        raw = np.frombuffer(bytes(self._buffer[whole - self._size : whole]), np.uint8)
        del self._buffer[:whole]
        image = cv2.cvtColor(raw.reshape(self._height * 3 // 2, self._width), cv2.COLOR_YUV2BGR_I420)
        return Frame(image, taken_ns)

    def _drain(self) -> None:
        while True:
            try:
                chunk = os.read(self._fd, _CHUNK_BYTES)
            except BlockingIOError:
                return
            if not chunk:
                return
            self._buffer += chunk
            if len(self._buffer) >= 2 * self._size:
                return

    def _check_alive(self) -> None:
        code = self._process.poll()
        if code is not None:
            raise SourceLost(f"The camera program ended with code {code}; its last words are in data/logs/vision.log.")
        if boot_ns() - self._heard_ns > _SILENT_S * 1e9:
            raise SourceLost(f"The camera program has given no picture for {_SILENT_S:.0f} s.")

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
