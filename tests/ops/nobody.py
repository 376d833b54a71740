"""What the gate's user may do, in tests that root runs."""

import contextlib
import os
from collections.abc import Iterator

import pytest

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody with fewer rights")


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without power over what belongs to root."""
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
