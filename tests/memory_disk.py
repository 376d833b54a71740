"""A disk on which a sync costs nothing, for tests that kill: what a kill leaves is in memory anyway."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def in_memory() -> Iterator[Path]:
    """A folder there while it is needed; to be made a fixture of."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


folder_in_memory = contextmanager(in_memory)
"""The same for a part of a test."""
