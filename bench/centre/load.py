"""Sends prepared requests to a centre on this machine, from a process of its own: one thread, one epoll.

    python -m centre.load

takes jobs as lines of JSON (the fields of ``Job``) and answers each with what it saw. A request that is due while the
one before it on its line is under way counts from when it was due: whoever waits, waits.
"""

import collections
import heapq
import hmac
import json
import re
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robust.figures import percentile

from attendance.domain import wire
from centre.requests import AT_ONCE, SINCE, Prepared, read

_TIMEOUT_S = 30.0
_TICK_S = 0.05
_VERSION = re.compile(rb'"version":([0-9]+)')


@dataclass(frozen=True, slots=True)
class Job:
    """``path``: of the file with the prepared requests."""

    port: int
    path: str


@dataclass(slots=True)
class Seen:
    """What came of the requests of one kind; ``times`` in seconds, the answers' sizes in bytes."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    again: int = 0
    unsigned: int = 0
    answer_bytes: int = 0

    def plain(self) -> dict[str, Any]:
        times = [1000 * each for each in self.times] or [0.0]
        return {
            "requests": len(self.times),
            **{f"p{percent}_ms": percentile(times, percent) for percent in (50, 95, 99)},
            "longest_ms": max(times),
            "statuses": dict(self.statuses),
            "results": dict(self.results),
            "failed": self.failed,
            "again": self.again,
            "unsigned": self.unsigned,
            "answer_bytes": self.answer_bytes,
        }


class _Line:
    """A gate: its requests in their order, and the one that is under way."""

    def __init__(self) -> None:
        self.waiting: collections.deque[Prepared] = collections.deque()
        self.now: Prepared | None = None
        self.since = 0
        self.due = self.begun = 0.0
        self.got = bytearray()
        self.unsent = memoryview(b"")
        self.socket: socket.socket | None = None

    def begin(self, port: int) -> int:
        """Connect without waiting for it; the descriptor."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))
        assert self.now is not None
        sent = self.now.sent
        if self.now.kind == "scans":
            sent = sent.replace(SINCE.encode(), b"%016d" % self.since, 1)
        self.unsent = memoryview(sent)
        self.got.clear()
        self.begun = time.perf_counter()
        return self.socket.fileno()

    def send(self) -> bool:
        """Whether all is sent."""
        assert self.socket is not None
        self.unsent = self.unsent[self.socket.send(self.unsent) :]
        return not self.unsent

    def hear(self) -> bool:
        """Whether the answer is whole."""
        assert self.socket is not None
        more = self.socket.recv(262_144)
        if not more:
            raise ConnectionError("closed before the answer was whole")
        self.got += more
        end = self.got.find(b"\r\n\r\n")
        return end >= 0 and len(self.got) - end - 4 >= int(_header(bytes(self.got[:end]), b"content-length") or 0)

    def close(self) -> None:
        assert self.socket is not None
        self.socket.close()
        self.socket = None


class _Run:
    """One job."""

    def __init__(self, job: Job) -> None:
        self._port = job.port
        self._lines: collections.defaultdict[int, _Line] = collections.defaultdict(_Line)
        for each in read(Path(job.path)):
            self._lines[each.line].waiting.append(each)
        self._poll = select.epoll()
        self._busy: dict[int, _Line] = {}
        self._resting: list[tuple[float, int]] = []
        self.seen: collections.defaultdict[str, Seen] = collections.defaultdict(Seen)

    def go(self) -> None:
        self._start = self._swept = time.perf_counter()
        for number in self._lines:
            self._rest(number)
        while self._resting or self._busy:
            now = time.perf_counter()
            while self._resting and self._resting[0][0] <= now:
                self._begin(*heapq.heappop(self._resting))
            soonest = self._resting[0][0] if self._resting else now + _TICK_S
            self._move(max(0.0, min(_TICK_S, soonest - now)))
            self._give_up()

    def _rest(self, number: int) -> None:
        """Until the next request of the line is due; a line without one is done."""
        waiting = self._lines[number].waiting
        if waiting:
            due_s = waiting[0].due_s
            due = time.perf_counter() if due_s == AT_ONCE else self._start + due_s
            heapq.heappush(self._resting, (due, number))

    def _begin(self, due: float, number: int) -> None:
        line = self._lines[number]
        line.due, line.now = due, line.waiting.popleft()
        descriptor = line.begin(self._port)
        self._busy[descriptor] = line
        self._poll.register(descriptor, select.EPOLLOUT)

    def _move(self, timeout_s: float) -> None:
        for descriptor, events in self._poll.poll(timeout_s):
            line = self._busy[descriptor]
            try:
                if not line.unsent:
                    if line.hear():
                        self._answered(descriptor, line)
                elif events & (select.EPOLLERR | select.EPOLLHUP):
                    raise ConnectionError("refused")
                elif line.send():
                    self._poll.modify(descriptor, select.EPOLLIN)
            except OSError:
                self._fail(descriptor, line)

    def _give_up(self) -> None:
        now = time.perf_counter()
        if now - self._swept > 1:
            self._swept = now
            for descriptor, line in [(n, each) for n, each in self._busy.items() if now - each.begun > _TIMEOUT_S]:
                self._fail(descriptor, line)

    def _fail(self, descriptor: int, line: _Line) -> None:
        """What had to go at once is sent again, as gates do."""
        assert line.now is not None
        if line.now.due_s == AT_ONCE and line.now.key_hash:
            line.waiting.appendleft(line.now)
            self._end(descriptor, line).again += 1
        else:
            self._end(descriptor, line).failed += 1

    def _answered(self, descriptor: int, line: _Line) -> None:
        got, now = bytes(line.got), line.now
        seen = self._end(descriptor, line)
        head, _, body = got.partition(b"\r\n\r\n")
        status = int(head[9:12])
        seen.statuses[status] += 1
        seen.answer_bytes += len(body)
        assert now is not None
        if now.key_hash:
            said = (_header(head, wire.SIGNATURE_HEADER.lower().encode()) or b"").decode()
            right = wire.signature_of_answer(now.key_hash, now.request, status, body)
            seen.unsigned += not hmac.compare_digest(said, right)
            if now.kind == "scans" and status == 200:
                line.since = int(_VERSION.findall(body)[-1])
                seen.results["scans"] += body.count(b'"scan_id"')
            for result in wire.Result:
                if found := body.count(b'"%s"' % result.encode()):
                    seen.results[result] += found

    def _end(self, descriptor: int, line: _Line) -> Seen:
        """No answer is an answer, too: it counts with the time that was waited for it."""
        assert line.now is not None
        seen = self.seen[line.now.kind]
        seen.times.append(time.perf_counter() - line.due)
        self._poll.unregister(descriptor)
        del self._busy[descriptor]
        line.close()
        self._rest(line.now.line)
        return seen


def _header(head: bytes, name: bytes) -> bytes | None:
    found = head.lower().find(b"\r\n" + name + b":")
    if found < 0:
        return None
    start = found + len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def run(job: Job) -> dict[str, Any]:
    """Do a job; ``cpu_s`` is what this process itself used meanwhile."""
    doing = _Run(job)
    begun, cpu = time.perf_counter(), time.process_time()
    doing.go()
    took_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    return {"took_s": took_s, "cpu_s": cpu_s, "kinds": {kind: seen.plain() for kind, seen in doing.seen.items()}}


if __name__ == "__main__":
    for text in sys.stdin:
        print(json.dumps(run(Job(**json.loads(text)))), flush=True)
