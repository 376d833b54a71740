"""How fast the pages of a busy gate answer, how many reports it makes durable, and what a crowd does to it."""

import sqlite3
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from gate_process import ASSETS, Gate, free_ports

from robust import rows
from robust.children import Child, child
from robust.figures import Figure
from robust.load import Job

_MANY = 16
_AIM_MS = 5.0
_TURNS = 20
_INDEPENDENT = 1.2
"""So far apart may two medians of the same thing lie on this machine."""
_PACED = 200.0
"""Requests a second over all connections: several impatient monitors at once, and a gate that is not saturated."""
_HALF_OPEN = 500
_EARLIER_RATE = {"/ping": "1,450/s", "/health": "650-815/s"}
_EARLIER_P99 = {"/health": "p50 75-113 ms"}


def figures(scans: list[int], seconds: float) -> Iterator[Figure]:
    """The simulated gate with each number of scans in its database; crowd and reports with the last one."""
    with ExitStack() as stack:
        load = stack.enter_context(child("robust.load"))
        yield from _generator(load, seconds)
        for count in scans:
            with _gate(count) as gate, _EarlierPeer(count, load, seconds) as peer:
                for path in ("/ping", "/health"):
                    asked = {way: _asked(load, gate.port, path, *way, seconds) for way in _WAYS}
                    yield from _pages(path, count, asked, peer.asked(path))
                if count == scans[-1]:
                    yield from _webhook(load, gate, peer, seconds)
                    yield from _crowd(load, gate, max(seconds, 1.0))
        gates = [stack.enter_context(_gate(count)) for count in scans]
        yield _independence(load, gates, scans, seconds)
        ended_s = max(gate.stop() for gate in gates)
        note = "camera, pages and all, from SIGTERM on"
        yield Figure("stop() of a running gate", "until its process has ended", ended_s, "s", aim=1.0, note=note)


def _independence(load: Child, gates: list[Gate], scans: list[int], seconds: float) -> Figure:
    """Health of the first gate and of the last one, asked in turns, so that a busy machine slows both."""
    ratios = []
    for _ in range(_TURNS):
        few, many = (
            _asked(load, gate.port, "/health", 1, True, 0.0, seconds / _TURNS)["p50_ms"]
            for gate in (gates[0], gates[-1])
        )
        ratios.append(many / few)
    what = f"/health, median with {scans[-1]:,} scans as a multiple of that with {scans[0]:,}, in turns"
    return Figure("health and the number of scans", what, statistics.median(ratios), "", aim=_INDEPENDENT)


_WAYS = [(1, True, 0.0), (1, False, 0.0), (_MANY, True, _PACED), (_MANY, True, 0.0), (_MANY, False, 0.0)]
"""Connections, whether they are kept, requests a second."""


def _asked(load: Child, port: int, path: str, connections: int, kept: bool, rate: float, seconds: float) -> Any:
    job = Job(port, path, connections, seconds, kept, rate)
    return _good(path, load.ask(asdict(job)))


def _good(path: str, seen: Any) -> Any:
    """What was seen, if every request was answered as it should be; health may be bad."""
    if seen["failed"] or not set(seen["statuses"]) <= {"200", "503"}:
        raise SystemExit(f"{path}: {seen['failed']} requests failed, statuses {seen['statuses']}")
    return seen


def _pages(path: str, scans: int, asked: dict[tuple[int, bool, float], Any], peer: Any) -> Iterator[Figure]:
    for (connections, kept, rate), seen in asked.items():
        name = f"{path}, {scans:,} scans, {connections} {'kept' if kept else 'new each'}"
        compared = peer if (connections, kept) == (_MANY, False) else None
        if not rate:
            yield Figure(
                "pages",
                name,
                seen["per_second"],
                "/s",
                earlier=_EARLIER_RATE[path] if compared else "",
                peer="earlier way" if compared else "",
                peer_value=compared["per_second"] if compared else None,
            )
        yield Figure(
            "pages",
            f"{name}, {f'{rate:.0f} a second, ' if rate else ''}p99",
            seen["p99_ms"],
            "ms",
            aim=_AIM_MS,
            earlier=_EARLIER_P99.get(path, "") if compared else "",
            peer="earlier way" if compared else "",
            peer_value=compared["p99_ms"] if compared else None,
            note=f"p50 {seen['p50_ms']:.2f}",
        )


def _webhook(load: Child, gate: Gate, peer: "_EarlierPeer", seconds: float) -> Iterator[Figure]:
    part, number = "delivery reports, answered when durable", 1
    for connections, kept in ((1, True), (_MANY, True), (1, False), (_MANY, False)):
        before = _received(gate.database)
        job = Job(gate.webhook_port, "/sms-webhook", connections, seconds, kept, first_message=number)
        seen = _good(job.path, load.ask(asdict(job)))
        number += seen["requests"]
        durable = _received(gate.database) - before
        if durable < seen["requests"]:  # the simulated gate may have a phone of its own, which reports too
            raise SystemExit(f"{seen['requests']} reports were taken and only {durable} kept")
        theirs = None if kept else peer.posted(connections)  # its server keeps no connection
        name = f"{connections} {'kept' if kept else 'new each'}"
        yield Figure(
            part,
            name,
            seen["per_second"],
            "/s",
            peer="earlier way" if theirs else "",
            peer_value=theirs["per_second"] if theirs else None,
        )
        yield Figure(
            part,
            f"{name}, p99",
            seen["p99_ms"],
            "ms",
            earlier="950-1,300 ms" if connections > 1 else "",
            peer="earlier way" if theirs else "",
            peer_value=theirs["p99_ms"] if theirs else None,
            note=f"longest {seen['longest_ms']:.0f}" + (f", theirs {theirs['longest_ms']:.0f}" if theirs else ""),
        )


def _received(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
        row = conn.execute("SELECT total FROM sms_report_totals WHERE what = 'received'").fetchone()
        return int(row[0]) if row else 0


def _crowd(load: Child, gate: Gate, seconds: float) -> Iterator[Figure]:
    core = psutil.Process(gate.process.pid)
    threads = core.num_threads()
    ours, said = _ping_in_a_crowd(load, gate.port, seconds)
    more = core.num_threads() - threads
    with _peer("waitress") as port:
        theirs, _ = _ping_in_a_crowd(load, port, seconds)
    yield Figure(
        f"{_HALF_OPEN} half-open connections held, opened anew when closed",
        "/ping, new connection each, p99",
        ours["p99_ms"],
        "ms",
        earlier="502 threads held for 20 s",
        peer="waitress' own settings",
        peer_value=theirs["p99_ms"],
        note=f"p50 {ours['p50_ms']:.2f}; without answer {ours['failed']} of {ours['requests']}, theirs"
        f" {theirs['failed']} of {theirs['requests']}; {more} threads more; closed {said['closed_by_server']}",
    )


def _ping_in_a_crowd(load: Child, port: int, seconds: float) -> tuple[Any, Any]:
    with child("robust.crowd", str(port), str(_HALF_OPEN)) as crowd:
        crowd.hear()
        seen = load.ask(asdict(Job(port, "/ping", 1, seconds, False, 100.0)))
        return seen, crowd.ask("how is it?")


class _EarlierPeer:
    """The earlier system's way, with as many scans; asked as it was measured: 16 connections, new each."""

    def __init__(self, scans: int, load: Child, seconds: float) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._load = load
        self._seconds = seconds
        database = Path(self._folder.name) / "attendance.db"
        rows.earlier_database(database, scans)
        self._server = _peer("earlier", str(database))

    def __enter__(self) -> "_EarlierPeer":
        self._port = self._server.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.__exit__(*error)
        self._folder.cleanup()

    def asked(self, path: str) -> Any:
        return _good(path, self._load.ask(asdict(Job(self._port, path, _MANY, self._seconds, False))))

    def posted(self, connections: int) -> Any:
        job = Job(self._port, "/sms-webhook", connections, self._seconds, False, first_message=1)
        return _good(job.path, self._load.ask(asdict(job)))


def _generator(load: Child, seconds: float) -> Iterator[Figure]:
    with _peer("instant") as port:
        for connections in (1, _MANY):
            for kept in (True, False):
                seen = _asked(load, port, "/", connections, kept, 0.0, seconds)
                name = f"{connections} {'kept' if kept else 'new each'}, p99 of a server that answers at once"
                note = f"{seen['per_second']:,.0f}/s, {seen['cpu_us']:.0f} µs of its processor time a request"
                yield Figure("the generator of the load itself", name, seen["p99_ms"], "ms", note=note)


@contextmanager
def _peer(kind: str, *words: str) -> Iterator[int]:
    (port,) = free_ports(1)
    with child("robust.peers", kind, str(port), *words):
        _wait_for(f"http://127.0.0.1:{port}/ping", lambda answer: True)
        yield port


@contextmanager
def _gate(scans: int) -> Iterator[Gate]:
    """The simulated gate, once its first backup is done and pictures come."""
    with tempfile.TemporaryDirectory() as folder:
        rows.gate_database(Path(folder) / "data" / "attendance.db", scans)
        gate = Gate(Path(folder), ASSETS, "--demo")
        try:
            signs = (b"attendance_backups_made_total 1", b"attendance_camera_healthy 1")
            _wait_for(f"http://127.0.0.1:{gate.port}/metrics", lambda text: all(sign in text for sign in signs))
            yield gate
        finally:
            gate.stop()


def _wait_for(url: str, good: Any, timeout_s: float = 30.0) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if good(answer.read()):
                    return
        except OSError:
            pass  # it is still starting
        time.sleep(0.05)
    raise SystemExit(f"{url} did not answer as it should in {timeout_s:.0f} s")
