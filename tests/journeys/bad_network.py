"""A network between gates and their centre that does what bad ones do, in an order that is the same each time."""

import contextlib
import gzip
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain, repeat

_CHUNK = 65_536
_PATIENCE_S = 20.0
PORTAL = b"<html><body>Welcome to the mall's wifi. Please log in.</body></html>"


class Weather(StrEnum):
    """What befalls one request."""

    FINE = "fine"
    REFUSED = "refused"  # the connection ends at once
    CUT_BEFORE = "cut before"  # half of the request reaches the centre
    CUT_AFTER = "cut after"  # the centre does it, the gate hears nothing
    TRUNCATED = "truncated"  # the answer breaks off in its middle
    SLOW = "slow"  # the answer trickles, and is whole in the end
    REPEATED = "repeated"  # the centre gets the request twice, the gate the second answer
    STALE = "stale"  # the gate hears the answer to an earlier request
    PORTAL = "portal"  # somebody else answers 200 with a page of his own
    LYING = "lying"  # somebody else says that all is taken, and cannot sign it
    ALTERED = "altered"  # somebody changes a number in the centre's answer
    BROKEN = "broken"  # a proxy's own 502


class BadNetwork:
    """A port before a centre's, as ``with BadNetwork(port, [...]) as network``.

    Args:
        weather: of each request in turn, across all connections; when it ends, all is fine.

    Attributes:
        met: how many requests met which weather.
    """

    def __init__(self, centre_port: int, weather: Iterable[Weather] = ()) -> None:
        self.centre_port = centre_port
        self.met: Counter[Weather] = Counter()
        self._weather = chain(weather, repeat(Weather.FINE))
        self._earlier: dict[bytes, bytes] = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "BadNetwork":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                gate, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(gate,), daemon=True).start()

    def _serve(self, gate: socket.socket) -> None:
        with self._lock:
            weather = next(self._weather)
            self.met[weather] += 1
        gate.settimeout(_PATIENCE_S)
        with gate, contextlib.suppress(OSError):
            if weather is not Weather.REFUSED:
                _DOES[weather](self, gate, _read_message(gate))

    def expect(self, weather: Iterable[Weather]) -> None:
        """From the next request on."""
        with self._lock:
            self._weather = chain(weather, repeat(Weather.FINE))

    def ask_centre(self, request: bytes) -> bytes:
        """The centre's whole answer.

        Raises:
            OSError: there is none.
        """
        with socket.create_connection(("127.0.0.1", self.centre_port), _PATIENCE_S) as centre:
            centre.sendall(request)
            answer = _read_message(centre)
        if b" 200 " in answer[:20]:
            with self._lock:
                self._earlier[_address(request)] = answer
        return answer

    def earlier_answer(self, request: bytes) -> bytes:
        """The last good answer that the centre gave to another request there; nothing if there was none."""
        with self._lock:
            return self._earlier.get(_address(request), b"")


def _fine(network: BadNetwork, gate: socket.socket, request: bytes) -> None:
    gate.sendall(network.ask_centre(request))


def _cut_before(network: BadNetwork, _gate: socket.socket, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", network.centre_port), _PATIENCE_S) as centre:
        centre.sendall(request[: len(request) // 2])


def _cut_after(network: BadNetwork, _gate: socket.socket, request: bytes) -> None:
    network.ask_centre(request)


def _truncated(network: BadNetwork, gate: socket.socket, request: bytes) -> None:
    answer = network.ask_centre(request)
    gate.sendall(answer[: answer.index(b"\r\n\r\n") + 4 + (len(answer) - answer.index(b"\r\n\r\n") - 4) // 2])


def _slow(network: BadNetwork, gate: socket.socket, request: bytes) -> None:
    pause = threading.Event()
    for part in _parts(network.ask_centre(request), 8):
        gate.sendall(part)
        pause.wait(0.03)


def _repeated(network: BadNetwork, gate: socket.socket, request: bytes) -> None:
    network.ask_centre(request)
    gate.sendall(network.ask_centre(request))


def _stale(network: BadNetwork, gate: socket.socket, request: bytes) -> None:
    gate.sendall(network.earlier_answer(request))


def _portal(_network: BadNetwork, gate: socket.socket, _request: bytes) -> None:
    gate.sendall(_answer("200 OK", "text/html", PORTAL))


def _lying(_network: BadNetwork, gate: socket.socket, request: bytes) -> None:
    """Yes to every item, and to every part of a picture."""
    said: dict[str, object] = {"received": 10_000_000, "complete": True}
    if _address(request) == b"POST /api/v1/sync":
        body = request.partition(b"\r\n\r\n")[2]
        items = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)["items"]
        taken = [{"result": "created", "reason": ""} for _ in items]
        said = {"results": taken, "heads": [], "versions": {"changes": 9, "scans": 9}}
    gate.sendall(_answer("200 OK", "application/json", json.dumps(said).encode()))


def _altered(network: BadNetwork, gate: socket.socket, request: bytes) -> None:
    """The last digit of the answer becomes another; what was taken stays so at the centre."""
    answer = network.ask_centre(request)
    place = max(answer.rfind(digit) for digit in b"0123456789")
    gate.sendall(answer[:place] + b"%d" % ((answer[place] - ord("0") + 1) % 10) + answer[place + 1 :])


def _broken(_network: BadNetwork, gate: socket.socket, _request: bytes) -> None:
    gate.sendall(_answer("502 Bad Gateway", "text/html", b"<h1>502 Bad Gateway</h1>"))


_DOES: dict[Weather, Callable[[BadNetwork, socket.socket, bytes], None]] = {
    Weather.FINE: _fine,
    Weather.CUT_BEFORE: _cut_before,
    Weather.CUT_AFTER: _cut_after,
    Weather.TRUNCATED: _truncated,
    Weather.SLOW: _slow,
    Weather.REPEATED: _repeated,
    Weather.STALE: _stale,
    Weather.PORTAL: _portal,
    Weather.LYING: _lying,
    Weather.ALTERED: _altered,
    Weather.BROKEN: _broken,
}


def _address(request: bytes) -> bytes:
    """Method and path; that of a picture without which one it is."""
    method, path, _ = request.split(b" ", 2)
    path = path.partition(b"?")[0]
    return method + b" " + (path.rpartition(b"/")[0] if b"/photos/" in path else path)


def _answer(status: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _parts(data: bytes, count: int) -> Iterator[bytes]:
    size = len(data) // count + 1
    return (data[first : first + size] for first in range(0, len(data), size))


def _read_message(peer: socket.socket) -> bytes:
    """A whole request or answer with its body.

    Raises:
        ConnectionError: it ended before.
    """
    got = b""
    while b"\r\n\r\n" not in got:
        got += _more(peer)
    head, _, body = got.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += _more(peer)
    return head + b"\r\n\r\n" + body


def _more(peer: socket.socket) -> bytes:
    more = peer.recv(_CHUNK)
    if not more:
        raise ConnectionError("ended early")
    return more
