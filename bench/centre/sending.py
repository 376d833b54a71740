"""Prepared load sent to a running centre, and what everybody used meanwhile."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from robust.children import Child

from centre.load import Job
from centre.requests import Prepared, write
from centre.running import Centre

_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a load.

    Attributes:
        kinds: of requests, as ``load.Seen.plain``.
        cores: used on average by each: ``load``, ``centre``, ``database``.
    """

    took_s: float
    kinds: dict[str, dict[str, Any]]
    cores: dict[str, float]

    def results(self, name: str) -> int:
        return sum(kind["results"].get(name, 0) for kind in self.kinds.values())

    @property
    def used(self) -> str:
        """For people."""
        return ", ".join(f"{who} {cores:.2f}" for who, cores in self.cores.items()) + " of 2 cores"


@contextmanager
def prepared(requests: Iterable[Prepared]) -> Iterator[Path]:
    """Their file, in memory where the machine has such a place."""
    with tempfile.NamedTemporaryFile(dir=_MEMORY if _MEMORY.is_dir() else None) as file:
        path = Path(file.name)
        write(path, requests)
        yield path


def send(load: Child, centre: Centre, path: Path) -> Sent:
    """Do it, and be sure that each request was answered as it should be."""
    before = centre.cpu_s()
    seen = load.ask(asdict(Job(centre.port, str(path))))
    took_s = seen["took_s"]
    used = {who: (cpu_s - before[who]) / took_s for who, cpu_s in centre.cpu_s().items()}
    for kind, each in seen["kinds"].items():
        if each["failed"] or each["unsigned"] or set(each["statuses"]) != {"200"}:
            raise SystemExit(f"{kind}: {json.dumps(each)}")
    return Sent(took_s, seen["kinds"], {"load": seen["cpu_s"] / took_s, **used})
