"""Python processes of a bench that take and give lines of JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parents[1]


class Child:
    """``python -m <module>`` with its pipes."""

    def __init__(self, module: str, *words: str) -> None:
        path = os.pathsep.join([str(BENCH), str(BENCH.parent)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def tell(self, job: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """Its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.process.args[1:])} ended with {self.process.wait()}")  # type: ignore[index]
        return json.loads(line)

    def ask(self, job: Any) -> Any:
        self.tell(job)
        return self.hear()


@contextmanager
def child(module: str, *words: str) -> Iterator[Child]:
    """A child that is killed at the end."""
    made = Child(module, *words)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()
