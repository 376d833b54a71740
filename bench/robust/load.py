"""Requests to a server on this machine, from a process of its own: one thread, one epoll, no parsing beyond need.

    python -m robust.load

takes jobs as lines of JSON (the fields of ``Job``) and answers each with what it saw.
"""

import json
import select
import socket
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any

from gate_process import TOKEN

from robust.figures import percentile

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked, how often, and how.

    Attributes:
        keep_alive: else every request has a connection of its own, and its opening is part of the time.
        rate: requests a second over all connections; 0: each connection asks again at once.
        first_message: posts delivery reports of the messages from this number on instead of asking for ``path``.
    """

    port: int
    path: str
    connections: int = 1
    seconds: float = 1.0
    keep_alive: bool = True
    rate: float = 0.0
    first_message: int | None = None


class _Connection:
    """One request at a time."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.begun = 0.0
        self.socket: socket.socket | None = None
        self.got = b""

    def ask(self, port: int, request: bytes) -> None:
        self.begun, self.got = time.perf_counter(), b""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", port), _TIMEOUT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)

    def hear(self) -> int:
        """The status once the answer is whole, until then 0."""
        assert self.socket is not None
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError(f"closed after {self.got[:80]!r}")
        self.got += more
        head, ended, body = self.got.partition(b"\r\n\r\n")
        if not ended or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0] or b"0"):
            return 0
        return int(head[9:12])

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class _Run:
    """One job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._numbers = iter(range(job.first_message or 0, sys.maxsize))
        self._poll = select.epoll()
        self._waiting: dict[int, _Connection] = {}
        self.times: list[float] = []
        self.statuses: dict[int, int] = {}
        self.failed = 0

    def go(self) -> None:
        job, begun = self._job, time.perf_counter()
        interval = job.connections / job.rate if job.rate else 0.0
        resting = [_Connection(begun + interval * n / job.connections) for n in range(job.connections)]
        while (now := time.perf_counter()) < begun + job.seconds or self._waiting:
            for connection in [each for each in resting if each.due <= now < begun + job.seconds]:
                if self._ask(connection):
                    resting.remove(connection)
            due = min((each.due for each in resting), default=now + _TIMEOUT_S) - now
            for connection in [*self._heard(max(0.0, min(due, _TIMEOUT_S))), *self._given_up()]:
                connection.due = max(time.perf_counter(), connection.due + interval)
                resting.append(connection)
        for connection in resting:
            connection.close()

    def _ask(self, connection: _Connection) -> bool:
        try:
            connection.ask(self._job.port, self._request())
        except OSError:
            self._missed(connection)
            return False
        assert connection.socket is not None
        self._waiting[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)
        return True

    def _heard(self, timeout_s: float) -> list[_Connection]:
        done = []
        for number, _ in self._poll.poll(timeout_s):
            connection = self._waiting[number]
            try:
                status = connection.hear()
            except OSError:
                done.append(self._over(number))
                self._missed(connection)
                continue
            if status:
                self.times.append(time.perf_counter() - connection.begun)
                self.statuses[status] = self.statuses.get(status, 0) + 1
                done.append(self._over(number))
                if not self._job.keep_alive:
                    connection.close()
        return done

    def _given_up(self) -> list[_Connection]:
        now = time.perf_counter()
        late = [number for number, each in self._waiting.items() if now - each.begun > _TIMEOUT_S]
        given_up = [self._over(number) for number in late]
        for connection in given_up:
            self._missed(connection)
        return given_up

    def _missed(self, connection: _Connection) -> None:
        """No answer is an answer, too: it counts with the time that was waited for it."""
        self.times.append(time.perf_counter() - connection.begun)
        self.failed += 1
        connection.close()

    def _over(self, number: int) -> _Connection:
        self._poll.unregister(number)
        return self._waiting.pop(number)

    def _request(self) -> bytes:
        job = self._job
        ends = b"" if job.keep_alive else b"Connection: close\r\n"
        if job.first_message is None:
            return b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (job.path.encode(), ends)
        body = _report(next(self._numbers))
        head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        head += b"Content-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
        return head % (job.path.encode(), TOKEN.encode(), len(body), ends) + body


def _report(number: int) -> bytes:
    payload = {
        "messageId": f"message-{number}",
        "recipient": "+639171234567",
        "deliveredAt": "2026-06-08T06:40:10.000+08:00",
    }
    # the flat fields are what the earlier system reads
    flat = {"state": "Delivered", "phoneNumber": "+639171234567"}
    event = {"deviceId": "ffffffffceb0b1db", "event": "sms:delivered", "id": uuid.uuid4().hex, "payload": payload}
    return json.dumps({**event, **flat}).encode()


def run(job: Job) -> dict[str, Any]:
    """Do a job; times in milliseconds, ``cpu_us`` is what this process itself used a request."""
    doing = _Run(job)
    begun, cpu = time.perf_counter(), time.process_time()
    doing.go()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    times = [1000 * each for each in doing.times] or [0.0]
    return {
        "requests": len(doing.times),
        "per_second": len(doing.times) / took,
        "p50_ms": percentile(times, 50),
        "p99_ms": percentile(times, 99),
        "longest_ms": max(times),
        "cpu_us": 1e6 * cpu / max(1, len(doing.times)),
        "statuses": doing.statuses,
        "failed": doing.failed,
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(Job(**json.loads(line)))), flush=True)
