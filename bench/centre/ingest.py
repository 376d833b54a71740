"""Scans through the whole API beside raw upserts of the same rows, in turns."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from robust.children import Child, child
from robust.figures import Figure

from attendance.domain import wire
from attendance.fleet.store.engine import open_engine, upgrade
from centre import raw
from centre.database import POSTGRESQL, database, gather_statistics
from centre.running import GATES_A_SCHOOL, Centre, centre
from centre.school import backlog
from centre.sending import Sent, prepared, send

_FLOORS = {(POSTGRESQL, wire.LARGEST_BATCH): 0.6}
"""With the largest request, in which a gate sends what has waited. What a request costs beside its scans a raw writer
does not pay, so that smaller ones have no aim; and SQLite, in the raw writer's own process, has nothing to wait for."""
_WEEK_DAYS = 7
_CLIENTS = {POSTGRESQL: 8}
"""Gates that send at once, each of another school, and raw writers; SQLite has one writer."""


def figures(kind: str, scans: int, batches: list[int], turns: int) -> Iterator[Figure]:
    """``scans`` a turn, in requests of each size, into databases that have some already, as in a centre at work."""
    clients = _CLIENTS.get(kind, 1)
    with ExitStack() as stack:
        load = stack.enter_context(child("centre.load"))
        writers = [stack.enter_context(child("centre.raw")) for _ in range(clients)]
        url = stack.enter_context(database(kind))
        engine = open_engine(url)
        upgrade(engine)
        engine.dispose()
        running = stack.enter_context(centre(kind, clients * GATES_A_SCHOOL))
        _compared(running, load, writers, url, scans // clients, max(batches), 1)
        for each in (url, running.url):
            gather_statistics(each)
        for batch in batches:
            yield _compared(running, load, writers, url, scans // clients, batch, turns)


def _compared(
    running: Centre, load: Child, writers: list[Child], url: str, scans: int, batch: int, turns: int
) -> Figure:
    """Each turn has new scans, which go both ways."""
    took_s, raw_s, rows = 0.0, 0.0, 0
    last: Sent | None = None
    for _ in range(turns):
        places = running.places[::GATES_A_SCHOOL]
        with prepared(backlog(places, scans, batch, _WEEK_DAYS, datetime.now(UTC))) as path:
            raw_s += _written(writers, url, path)
            last = send(load, running, path)
        created = last.results("created")
        if created != scans * len(places):
            raise SystemExit(f"{created} of {scans * len(places)} scans were created.")
        took_s, rows = took_s + last.took_s, rows + created
    assert last is not None
    return Figure(
        f"ingest through the API, {running.kind}",
        f"{len(writers)} gates at once, {batch} scans a request",
        rows / took_s,
        "scans/s",
        peer="raw upserts",
        peer_value=rows / raw_s,
        ratio_floor=_FLOORS.get((running.kind, batch)),
        note=last.used,
    )


def _written(writers: list[Child], url: str, path: Path) -> float:
    """How long the raw writers take together."""
    for number, writer in enumerate(writers):
        writer.ask(asdict(raw.Job(url, str(path), number, len(writers))))
    begun = time.perf_counter()
    for writer in writers:
        writer.tell("go")
    for writer in writers:
        writer.hear()
    return time.perf_counter() - begun
