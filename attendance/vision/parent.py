"""Processes that must not outlive the one that started them."""

import ctypes
import functools
import os
import signal

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Let the kernel kill this process when the thread that started it ends, even by ``kill -9``.

    Raises:
        SystemExit: the parent ended before the kernel knew of the wish.
    """
    parent = os.getppid()
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
