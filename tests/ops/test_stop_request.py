"""A signal ends the wait for it, whichever thread it reaches."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from attendance.ops.stop_request import StopRequest


@pytest.fixture
def request_() -> Iterator[StopRequest]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with StopRequest() as stop:
        yield stop
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_reaches_another_thread_ends_the_wait(request_: StopRequest, number: int) -> None:
    """The kernel may choose any thread, and the main thread sleeps on: its handlers would run when it wakes."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    assert other.ident is not None
    threading.Timer(0.05, signal.pthread_kill, (other.ident, number)).start()
    began = time.monotonic()
    assert request_.wait(10)
    assert time.monotonic() - began < 2
    done.set()
    other.join()


def test_a_signal_before_the_wait_is_not_forgotten(request_: StopRequest) -> None:
    """It came while the gate was starting."""
    os.kill(os.getpid(), signal.SIGTERM)
    assert request_.wait(10)
    assert request_.is_set()


def test_another_thread_may_ask(request_: StopRequest) -> None:
    """A film that is over ends the gate that played it."""
    threading.Timer(0.05, request_.set).start()
    began = time.monotonic()
    assert request_.wait(10)
    assert time.monotonic() - began < 2


def test_without_a_wish_the_wait_ends_in_its_time(request_: StopRequest) -> None:
    """That is the beat of the main loop."""
    assert not request_.wait(0.01)
    assert not request_.is_set()


def test_it_works_without_signals_too() -> None:
    """A gate that is run by a test has no main thread to itself."""
    stop = StopRequest()
    assert not stop.wait(0.01)
    stop.set()
    assert stop.wait(10)
