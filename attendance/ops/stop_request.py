"""The wish that this process ends, from a signal or from within, as something to wait for."""

import contextlib
import select
import signal
import socket
import threading
from types import TracebackType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Entered in the main thread, it turns SIGTERM and SIGINT into the wish; any thread may ``set`` it.

    A ``threading.Event`` will not do: a signal that arrives just before the main thread sleeps, or in another thread,
    is seen only when the sleep is over. Here the interpreter writes each signal into a socket that the sleep looks at.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._ears: tuple[socket.socket, socket.socket] | None = None

    def __enter__(self) -> "StopRequest":
        self._ears = socket.socketpair()
        for ear in self._ears:
            ear.setblocking(False)
        signal.set_wakeup_fd(self._ears[1].fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda number, frame: self._asked.set())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(-1)
        ears, self._ears = self._ears, None
        for ear in ears or ():
            ear.close()

    def set(self) -> None:
        """Ask for the end."""
        self._asked.set()
        if self._ears is not None:
            with contextlib.suppress(OSError):
                self._ears[1].send(b"\0")

    def is_set(self) -> bool:
        return self._asked.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait at most so long; whether the end was asked for."""
        if self._ears is None or self._asked.is_set():
            return self._asked.wait(timeout_s)
        select.select([self._ears[0]], [], [], timeout_s)
        with contextlib.suppress(BlockingIOError):
            if set(self._ears[0].recv(4096)) & set(_SIGNALS):
                self._asked.set()
        return self._asked.is_set()
