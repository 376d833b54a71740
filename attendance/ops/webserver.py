"""A small web server that a crowd cannot stop: waitress with a connection rule, absolute deadlines and stream places.

The module owns the listening socket and waitress' worker threads; one ``Service`` turns waitress' socket loop.

Connections wait (for a complete request) or work. Waiting is cheap to fake: half-open connections cost an attacker
nothing. So waiting is bounded twice: at ``CONNECTION_LIMIT`` the connection that has waited longest makes room for a
new one, and nobody waits longer than ``REQUEST_DEADLINE_S``, however steadily it trickles.
"""

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from attendance.clock import boot_ns
from attendance.errors import AttendanceError
from attendance.ops import tls
from attendance.ops.service import Service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

REQUEST_DEADLINE_S = 10.0
"""From opening (or from the last answer) to a complete request, also for idle keep-alive connections."""
STALLED_WRITE_S = 15.0
"""A peer that takes nothing for this long is gone: three heartbeats of a stream."""
CONNECTION_LIMIT = 128
"""Well below the 1,024 file descriptors a process usually may have."""
SPARE_THREADS = 8
"""Threads beyond those that streams can occupy: for ordinary requests."""
BODY_LIMIT_BYTES = 64 * 1024
HEADER_LIMIT_BYTES = 16 * 1024
_OUTPUT_LIMIT_BYTES = 512 * 1024
"""Unsent bytes per connection before its writer waits: a live view must not pile up in memory."""
_SWEEP_S = 0.25
_IDLE_S = 5.0
"""Without a connection nothing is due; a new one, and the stop, wake the loop at once."""
_ACKNOWLEDGE_MS = 20_000
"""The kernel gives up on data that a vanished peer has not acknowledged for so long."""

# Each request that finds all threads busy would log one line: a flood must not become a flood of log lines.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class Streams:
    """The places for answers that do not end. Above the limit the oldest stream ends, so that a page that is opened
    again always works and forgotten ones never add up."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = []

    @contextmanager
    def hold(self, end: Callable[[], None]) -> Iterator[None]:
        """Occupy a place while inside.

        Args:
            end: makes this stream return soon; called from another thread, perhaps twice.
        """
        with self._lock:
            self._ends.append(end)
            surplus = self._ends[: -self.limit or None]
        for end_oldest in surplus:
            end_oldest()
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)

    def end_all(self) -> None:
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            end()


class WebServer:
    """Serves one WSGI application. ``start`` binds before it returns; ``stop`` really closes.

    Args:
        port: 0 takes a free one; ``.port`` says which.
        streams: where the application registers its endless answers; decides the number of threads.
        secured: serve HTTPS with this context (``tls.server_context``).
    """

    def __init__(
        self,
        app: "WSGIApplication",
        host: str,
        port: int,
        *,
        streams: Streams,
        name: str = "web",
        secured: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self._app = app
        self._address = (host, port)
        self._streams = streams
        self._secured = secured
        self._server: _Server | None = None
        self._service: Service | None = None

    @property
    def port(self) -> int:
        """The port that is served; the wanted one before the start."""
        return int(self._server.effective_port) if self._server else self._address[1]

    @property
    def running(self) -> bool:
        """Whether the port is bound and the thread that serves it lives."""
        return self._service is not None and self._service.state.running

    @property
    def beat_boot_ns(self) -> int:
        """When the loop of the sockets was last at work, in boot time; 0 if nothing is served."""
        return self._service.state.beat_boot_ns if self._service else 0

    def start(self) -> None:
        """Bind, listen and serve.

        Raises:
            AttendanceError: the address cannot be had.
        """
        if self._server is not None:
            return
        listener = bind(self.name, *self._address)
        workers = ThreadedTaskDispatcher()
        self._server = _Server(self._app, listener, workers, self._secured)
        workers.set_thread_count(self._streams.limit + SPARE_THREADS)
        self._service = Service(self.name, _Loop(self._server), wake=self._server.pull_trigger)
        self._service.start()

    def stop(self, timeout_s: float = 1.0) -> bool:
        """Let running requests end, close every socket; whether every thread ended in time."""
        if self._server is None or self._service is None:
            return True
        self._streams.end_all()
        workers = self._server.task_dispatcher
        workers.shutdown(timeout=timeout_s / 2)
        looped = self._service.stop(timeout_s / 4)
        self._server.close_connections()
        workers.shutdown(timeout=timeout_s / 4)
        ended = looped and not workers.threads
        self._server.close_listener(with_trigger=ended)
        self._server = self._service = None
        return ended


class _Loop:
    """The stepper of waitress' socket loop."""

    def __init__(self, server: "_Server") -> None:
        self._server = server

    def step(self) -> float:
        # a connection that is opened wakes the loop; poll, because select stops at file descriptor 1,023
        wasyncore.poll2(_SWEEP_S if self._server.active_channels else _IDLE_S, self._server.sockets)
        self._server.sweep()
        return 0.0


class _Channel(HTTPChannel):  # type: ignore[misc]
    """One connection, with when it began to wait for a complete request and when it last could send."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.waiting_since_ns = self.sent_ns = boot_ns()
        super().__init__(*args, **kwargs)

    def service(self) -> None:
        super().service()
        self.waiting_since_ns = boot_ns()

    def _flush_some(self, do_close: bool = True) -> bool:
        flushed = bool(super()._flush_some(do_close))
        if flushed or not self.total_outbufs_len:
            self.sent_ns = boot_ns()
        return flushed

    def expired(self, now_ns: int) -> bool:
        if self.total_outbufs_len:
            return now_ns - self.sent_ns > STALLED_WRITE_S * 1e9
        return not self.requests and now_ns - self.waiting_since_ns > REQUEST_DEADLINE_S * 1e9


class _TlsChannel(tls.TlsConnection, _Channel):
    """The same under TLS; its handshake is part of the time that a request may take."""


class _Server(TcpWSGIServer):  # type: ignore[misc]
    """waitress' server with the connection rule in place of its own: that one stops accepting at its limit."""

    def __init__(
        self,
        app: "WSGIApplication",
        listener: socket.socket,
        workers: ThreadedTaskDispatcher,
        secured: ssl.SSLContext | None,
    ) -> None:
        self.channel_class = _TlsChannel if secured else _Channel
        self._secured = secured
        self.sockets: dict[int, Any] = {}
        self._swept_ns = boot_ns()
        adjustments = Adjustments(
            sockets=[listener],
            ident="attendance",
            max_request_body_size=BODY_LIMIT_BYTES + 1,
            max_request_header_size=HEADER_LIMIT_BYTES,
            outbuf_high_watermark=_OUTPUT_LIMIT_BYTES,
            log_socket_errors=False,
            url_scheme="https" if secured else "http",
            clear_untrusted_proxy_headers=False,  # the application judges them, it knows the trusted proxies
        )
        adjustments.socket_options = [
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _ACKNOWLEDGE_MS),
        ]
        super().__init__(
            app,
            map=self.sockets,
            _sock=listener,
            dispatcher=workers,
            adj=adjustments,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )

    def readable(self) -> bool:
        return bool(self.accepting)

    def accept(self) -> tuple[socket.socket, Any] | None:
        accepted: tuple[socket.socket, Any] | None = super().accept()
        if accepted is None or self._secured is None:
            return accepted
        connection, address = accepted
        return tls.wrap(connection, self._secured), address

    def handle_accept(self) -> None:
        super().handle_accept()
        while len(self.active_channels) > CONNECTION_LIMIT:
            waiting = [channel for channel in self.active_channels.values() if not channel.requests]
            if not waiting:
                break
            min(waiting, key=lambda channel: channel.waiting_since_ns).handle_close()

    def sweep(self) -> None:
        """Close what is past its deadline. Called by the loop's thread."""
        now = boot_ns()
        if now - self._swept_ns < _SWEEP_S * 1e9:
            return
        self._swept_ns = now
        for channel in list(self.active_channels.values()):
            if channel.expired(now):
                channel.handle_close()

    def close_connections(self) -> None:
        """Only after the loop has ended."""
        for channel in list(self.active_channels.values()):
            channel.handle_close()

    def close_listener(self, with_trigger: bool) -> None:
        """Free the port. The trigger stays open while a worker lives: it would write to a closed, perhaps reused,
        file descriptor."""
        if with_trigger:
            self.trigger.close()
        wasyncore.dispatcher.close(self)


def bind(name: str, host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        port: 0 takes a free one.

    Raises:
        AttendanceError: the address cannot be had.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
    except (OSError, OverflowError, UnicodeError) as error:
        raise AttendanceError(f"{name}: {host!r} is no address of this machine ({error}); use '0.0.0.0'") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(CONNECTION_LIMIT)
    except (OSError, OverflowError) as error:
        listener.close()
        raise AttendanceError(
            f"{name}: cannot serve on {host!r} port {port!r}: {error}; see what holds the port with "
            f"`ss -ltnp 'sport = :{port}'` and stop it, or set another port"
        ) from error
    return listener
