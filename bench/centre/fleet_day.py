"""A thousand gates for some minutes, the page that shows them, and a week's backlog."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from robust.children import Child, child
from robust.figures import Figure

from attendance.domain import wire
from attendance.fleet.store.engine import open_engine, reading
from attendance.fleet.store.tables import chains
from centre.people import operator
from centre.requests import AT_ONCE, Prepared, get
from centre.running import Centre, centre
from centre.school import backlog, living
from centre.sending import Sent, prepared, send

HEARTBEAT_S = 60.0
_AIM_MS = 200.0
_PAGE_AIM_MS = 300.0
_PAGE = "/"
_LOOK_S = 2.0
"""The page asks for its live part as often."""
_WEEK_DAYS = 7
_BATCH = wire.LARGEST_BATCH


def crowd(kind: str, gates: int, scans_a_second: float, seconds: float, syncs_s: list[float]) -> Iterator[Figure]:
    """All gates alive for ``seconds``, once for each pause between two of a gate's requests with scans; meanwhile and
    after it somebody looks at the page of all gates."""
    with ExitStack() as stack:
        load = stack.enter_context(child("centre.load"))
        running = stack.enter_context(centre(kind, gates))
        cookie = operator(running.url, running.port)
        for sync_s in syncs_s:
            yield from _lived(running, load, scans_a_second, seconds, sync_s, cookie)
        yield from _pages(running, load, cookie, looks=max(20, round(seconds)))


def _lived(
    running: Centre, load: Child, scans_a_second: float, seconds: float, sync_s: float, cookie: str
) -> Iterator[Figure]:
    heartbeat_s = min(HEARTBEAT_S, seconds)
    gates = living(running.places, seconds, scans_a_second=scans_a_second, sync_s=sync_s, heartbeat_s=heartbeat_s)
    looks = [_look(len(running.places), due_s, cookie) for due_s in _every(_LOOK_S, seconds)]
    with prepared(chain(gates, looks)) as path:
        sent = send(load, running, path)
    created, wanted = sent.results("created"), sent.kinds["sync"]["requests"] * _scans(running, scans_a_second, sync_s)
    if created != wanted:
        raise SystemExit(f"{created} of {wanted} scans were created.")
    part = f"{len(running.places):,} gates for {seconds:.0f} s, {running.kind}: a heartbeat each {heartbeat_s:.0f} s"
    for what, name, aim_ms in (
        ("sync", f"scans each {sync_s:.0f} s, {created / seconds:.0f} a second in all, p99", _AIM_MS),
        ("heartbeat", "heartbeat, p99", _AIM_MS),
        ("scans", "what the other gates of the school had, p99", _AIM_MS),
        (_PAGE, f"page of all gates meanwhile, each {_LOOK_S:.0f} s, p95", _PAGE_AIM_MS),
    ):
        seen = sent.kinds[what]
        value = seen["p95_ms"] if what == _PAGE else seen["p99_ms"]
        note = f"p50 {seen['p50_ms']:.1f}, longest {seen['longest_ms']:.0f}; {seen['requests']:,} requests"
        yield Figure(part, name, value, "ms", aim=aim_ms, note=note)
    yield Figure(part, "processors used", sum(sent.cores.values()), "cores", note=sent.used)
    yield Figure(part, "memory of the centre's processes", running.memory_mb(), "MB")


def _pages(running: Centre, load: Child, cookie: str, looks: int) -> Iterator[Figure]:
    """One after the other, as soon as the one before is there."""
    part = f"the page of all {len(running.places):,} gates, nothing else to do, {running.kind}"
    for path, name in ((_PAGE, "those that need somebody"), (_PAGE + "?show=all", "all, by school")):
        with prepared(get(0, AT_ONCE, path, {"Cookie": cookie}) for _ in range(looks)) as file:
            seen = send(load, running, file).kinds[path]
        note = (
            f"p50 {seen['p50_ms']:.1f}, longest {seen['longest_ms']:.0f}, {seen['answer_bytes'] / looks / 1000:.0f} kB"
        )
        yield Figure(part, f"{name}, p95", seen["p95_ms"], "ms", aim=_PAGE_AIM_MS, note=note)


def _look(line: int, due_s: float, cookie: str) -> Prepared:
    return get(line, due_s, _PAGE, {"Cookie": cookie})


def _every(pause_s: float, seconds: float) -> list[float]:
    return [pause_s * number for number in range(1, max(2, int(seconds / pause_s)))]


def _scans(running: Centre, scans_a_second: float, sync_s: float) -> int:
    return max(1, round(scans_a_second * sync_s / len(running.places)))


def week(kind: str, gates: int, scans: int) -> Iterator[Figure]:
    """Gates that were a week without a line all come back at once; ``scans`` in all."""
    with ExitStack() as stack:
        load = stack.enter_context(child("centre.load"))
        running = stack.enter_context(centre(kind, gates))
        each = scans // gates
        with prepared(backlog(running.places, each, _BATCH, _WEEK_DAYS, datetime.now(UTC))) as path:
            sent = send(load, running, path)
        _be_sure(running, sent, each)
        part = f"a week's backlog of {scans:,} scans, {gates} gates at once, {running.kind}"
        yield Figure(part, "all is there, numbers and chains complete", sent.took_s, "s", note=sent.used)
        seen = sent.kinds["sync"]
        note = f"{_BATCH} scans a request; {seen['again']} were sent again"
        yield Figure(part, "taken in", scans / sent.took_s, "scans/s", note=note)
        yield Figure(part, "a request, p99", seen["p99_ms"], "ms", note=f"p50 {seen['p50_ms']:.0f}")


def _be_sure(running: Centre, sent: Sent, each: int) -> None:
    there = sent.results(wire.Result.CREATED) + sent.results(wire.Result.DUPLICATE)
    if there != each * len(running.places):
        raise SystemExit(f"Not all scans were created: {sent.kinds}")
    engine = open_engine(running.url)
    with reading(engine) as conn:
        heads: list[Any] = conn.execute(chains.select()).all()
    engine.dispose()
    if len(heads) != len(running.places) or any(h.complete_to != each or h.broken_at is not None for h in heads):
        raise SystemExit("The centre has all scans, but does not say that they are complete.")
