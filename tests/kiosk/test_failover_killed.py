"""Two phones, and a gate that dies between any two commits and around any request: nothing twice, nothing lost."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_disk import folder_in_memory
from sms_desk import MORNING, Phone, SmsDesk, passing, unclear

from attendance.clock import ManualClock
from attendance.domain.ratelimit import Window
from attendance.domain.scan import Status
from attendance.kiosk.sms.gateway import GatewayError, Outgoing
from attendance.kiosk.sms.limits import Limits
from attendance.ops.sqlite import Writer

T = TypeVar("T")
FAMILIES = 4
LIMITS = Limits(windows=(Window(3, 60), Window(40, 3600)), cooldown=timedelta(), expire_after=timedelta(hours=3))


class Died(BaseException):
    """The process ended."""


class Moments:
    """Counts the moments of a life, and ends it at one of them."""

    def __init__(self) -> None:
        self.left = 0

    def pass_one(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Died


class MortalWriter:
    """A writer whose process may end before and after each commit."""

    def __init__(self, writer: Writer, moments: Moments) -> None:
        self._writer = writer
        self._moments = moments

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._moments.pass_one()
        result = self._writer.run(work)
        self._moments.pass_one()
        return result


class MortalPhone(Phone):
    """Its requests may end with the process that makes them, after it took the message or before.

    Attributes:
        script: what each request to come meets.
    """

    moments: Moments
    script: list[str]

    def send(self, message: Outgoing):  # type: ignore[no-untyped-def]  # as Phone's
        self.moments.pass_one()
        act = self.script.pop(0) if self.script else "takes"
        faults: dict[str, GatewayError | None] = {"refuses": passing(), "lies": unclear(), "fails": unclear()}
        self.faults, self.takes = [faults.get(act)], act == "lies"
        try:
            return super().send(message)
        finally:
            self.moments.pass_one()


ACTS = st.lists(st.sampled_from(["takes", "refuses", "lies", "fails"]), max_size=12)


@settings(max_examples=35, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTS, ACTS, st.lists(st.integers(1, 14), max_size=6))
def test_each_family_gets_its_message_on_one_phone_once(first: list[str], second: list[str], lives: list[int]) -> None:
    """Phones refuse, lie or fail, the second takes over on proof only, and the gate dies again and again."""
    with folder_in_memory() as folder:
        clock, moments = ManualClock(MORNING), Moments()
        phones = [MortalPhone(clock, "first"), MortalPhone(clock, "second")]
        for phone, script in zip(phones, (first, second), strict=True):
            phone.moments, phone.script = moments, list(script)
        desk = SmsDesk(folder, clock, phones=phones)
        try:
            _live(desk, moments, lives)
            screens = phones[0].ids() + phones[1].ids()
            assert len(screens) == len(set(screens))
            assert desk.states() == {"sent": FAMILIES}
            assert sorted(screens) == sorted(row[0] for row in desk.rows("SELECT message_id FROM sms_outbox"))
            assert desk.rows("SELECT count(*) FROM sms_slots WHERE ended = 0") == [(0,)]
            assert desk.rows("SELECT sum(parts) FROM sms_parts") == [(FAMILIES,)]
            for name, phone in zip(("first", "second"), phones, strict=True):
                for message_id in phone.ids():
                    assert desk.row(message_id)["gateway"] == name
        finally:
            desk.close()


def _live(desk: SmsDesk, moments: Moments, lives: list[int]) -> None:
    for number in range(1, FAMILIES + 1):
        desk.enrol(str(number))
        desk.scan(str(number), Status.LATE if number == FAMILIES else Status.ON_TIME)
    writer = desk.writer
    for length in [*lives, 0]:
        moments.left = length
        desk.writer = MortalWriter(writer, moments)  # type: ignore[assignment]  # all that a courier needs of one
        desk.hire(limits=LIMITS)
        try:
            desk.exhaust(2 * 3600 if not length else 600)
        except Died:
            desk.clock.advance(1)
    desk.writer = writer


@pytest.mark.parametrize("dies_at", range(1, 9))
def test_a_provider_without_ids_is_never_given_a_message_twice(tmp_path: Path, dies_at: int) -> None:
    """At whichever moment the gate dies: the parent has it once, or nobody knows and a person decides."""
    clock, moments = ManualClock(MORNING), Moments()
    provider = MortalPhone(clock, "provider", recognises_repeats=False, may_repeat=False)
    provider.moments, provider.script = moments, []
    desk = SmsDesk(tmp_path, clock, phones=[provider])
    desk.enrol("1")
    [message] = desk.scan("1")
    writer = desk.writer
    desk.writer = MortalWriter(writer, moments)  # type: ignore[assignment]
    desk.hire(limits=LIMITS)
    moments.left = dies_at
    try:
        desk.exhaust(600)
    except Died:
        desk.hire(limits=LIMITS)
        desk.exhaust(600)
    assert len(provider.shown) <= 1
    assert desk.row(message)["state"] == ("sent" if desk.row(message)["reason"] == "" else "unknown")
    desk.writer = writer
    desk.close()
