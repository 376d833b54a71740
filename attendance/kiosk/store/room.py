"""Room on the disk for copies of a database."""

import shutil
from pathlib import Path

_FOR_A_REPAIR = 2
"""A second database and its log, while the damaged one is there too."""


def for_repair(database: Path, *, and_copies: int = 0) -> bool:
    """Whether a damaged database can be repaired, and copied so often before."""
    size = database.stat().st_size if database.exists() else 0
    return shutil.disk_usage(database.parent).free > (_FOR_A_REPAIR + and_copies) * size
