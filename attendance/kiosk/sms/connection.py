"""Connections that end at a deadline, however the other side behaves."""

import io
import socket
import threading
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import Any, Self

from attendance.clock import boot_ns

Address = tuple[socket.AddressFamily, Any]


class Deadline:
    """When something must be over, in boot time."""

    def __init__(self, seconds: float) -> None:
        self._ends_ns = boot_ns() + round(seconds * 1e9)

    def left_s(self) -> float:
        """More than 0.

        Raises:
            TimeoutError: nothing is left.
        """
        left = (self._ends_ns - boot_ns()) / 1e9
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def hold(self, connection: socket.socket) -> None:
        """Told of each connection before it is used: who can bring the deadline forward has to end it."""


class Breakable(Deadline):
    """A deadline that another thread may bring forward to now. Use it in ``with``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self._lock = threading.Lock()
        self._held: socket.socket | None = None

    def hold(self, connection: socket.socket) -> None:
        with self._lock:
            self._let_go()
            self._held = connection.dup()  # TLS takes a connection over, and a second handle still ends it

    def break_off(self) -> None:
        """Let whatever waits fail at once, as after a timeout; the resolver excepted."""
        with self._lock:
            self._ends_ns = 0
            if self._held is not None:
                with suppress(OSError):
                    self._held.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


class Timed(io.RawIOBase):
    """A socket for reading, which gives up at the deadline however steadily bytes drip in.

    Args:
        most_bytes: after which it ends, whatever lengths the other side announced.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline, most_bytes: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._left_bytes = most_bytes

    def makefile(self, mode: str) -> io.BufferedReader:
        """What ``HTTPResponse`` asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left_bytes <= 0:
            return 0
        self._connection.settimeout(self._deadline.left_s())
        read = self._connection.recv_into(buffer)
        self._left_bytes -= read
        return read


def connect(addresses: list[Address], deadline: Deadline) -> socket.socket:
    """To the first address that answers. Each has an equal share of the time that is left.

    Raises:
        OSError: none does.
    """
    failure: OSError = OSError("it has no address")
    for index, (family, address) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            deadline.hold(connection)
            connection.settimeout(deadline.left_s() / (len(addresses) - index))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def is_near(address: str) -> bool:
    """Whether an address is loopback, private or link-local."""
    at = ip_address(address)
    if isinstance(at, IPv6Address) and at.ipv4_mapped:
        at = at.ipv4_mapped
    return at.is_private


def why(error: Exception) -> str:
    """Why, in a few words and without what was sent."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, TimeoutError):
        return "timed out"
    return type(error).__name__
