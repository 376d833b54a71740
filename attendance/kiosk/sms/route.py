"""One gateway behind its circuit breaker: whether it may be tried, how it went, and what a person must do about it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from attendance.clock import Clock
from attendance.kiosk.sms.breaker import Breaker
from attendance.kiosk.sms.gateway import Fault, Gateway, GatewayError
from attendance.ops.health import Problem

UNREACHABLE = Problem(
    "sms-gateway-unreachable",
    "warning",
    "The SMS gateway {name} cannot be reached: {error}",
    "See that the phone is on, charged and on the network and that SMS Gateway runs. It is tried again by itself.",
)
CREDENTIALS = Problem(
    "sms-gateway-credentials",
    "warning",
    "The SMS gateway {name} does not let us in: {error}",
    "Correct user name, password and device_id of {name} in the configuration, then start the gate again.",
)
BUSY = Problem(
    "sms-gateway-busy",
    "warning",
    "The SMS gateway {name} takes no messages at the moment: {error}",
    "See that the phone has a network and credit, and that its messages leave. It is tried again by itself.",
)
ANSWERS = Problem(
    "sms-gateway-answers",
    "warning",
    "The SMS gateway {name} does not answer as it should: {error}",
    "Check its address in the configuration, and that no login page of the network is in between.",
)
REFUSES = Problem(
    "sms-gateway-refuses",
    "warning",
    "The SMS gateway {name} has refused the last {count} messages, each for itself: {error}",
    "See `attendance sms list --state rejected`: correct the numbers, or the gateway's settings if they are right.",
)
_REFUSED_IN_A_ROW = 5
"""So many wrong numbers one after the other are improbable; a provider that refuses everything is not."""
_PROBLEMS = {Fault.UNREACHABLE: UNREACHABLE, Fault.CREDENTIALS: CREDENTIALS, Fault.BUSY: BUSY}

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What was wrong at the last attempt. Not the exception itself: it would keep the message alive."""

    fault: Fault
    text: str
    maybe_taken: bool

    @property
    def ends_with_any_answer(self) -> bool:
        """Whether a gateway that answers a question also takes messages again. One that hangs or fails when it is
        given a message may answer questions all the time."""
        return self.fault is Fault.CREDENTIALS or (self.fault is Fault.UNREACHABLE and not self.maybe_taken)


class Route:
    """A gateway, and what is known of it. For any thread."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self.gateway = gateway
        self._clock = clock
        self._breaker = Breaker(clock)
        self._trouble: _Trouble | None = None
        self._refused = 0
        self._refusal = ""
        self._tried_ns = 0

    @property
    def name(self) -> str:
        return self.gateway.name

    @property
    def idle_s(self) -> float:
        """Since the last attempt."""
        return (self._clock.boot_ns() - self._tried_ns) / 1e9

    @property
    def problem(self) -> Problem | None:
        """What is wrong; ``None`` while it works, or for a failure that may pass."""
        trouble = self._trouble
        if trouble is None or self._breaker.closed:
            if self._refused >= _REFUSED_IN_A_ROW:
                return REFUSES.said(name=self.name, count=self._refused, error=self._refusal)
            return None
        return _PROBLEMS.get(trouble.fault, ANSWERS).said(name=self.name, error=trouble.text)

    def rest_s(self) -> float:
        """How long it is left alone; 0: it may be tried."""
        return self._breaker.rest_s()

    def enter(self) -> bool:
        """Whether it may be given a message; while it is doubtful, one at a time."""
        return self._breaker.enter()

    def send(self, attempt: Callable[[], Outcome]) -> Outcome:
        """The outcome of giving it a message, which decides whether it works.

        Raises:
            GatewayError: as raised, with the gateway's name.
        """
        outcome = self._tried(attempt)
        self._works()
        self._refused = 0
        return outcome

    def question(self, attempt: Callable[[], Outcome], *, forgiven: Fault | None = None) -> Outcome:
        """The outcome of asking it something, which proves less.

        Args:
            forgiven: what is not held against it: it may take messages all the same.

        Raises:
            GatewayError: as raised, with the gateway's name.
        """
        outcome = self._tried(attempt, forgiven)
        if self._trouble is not None and self._trouble.ends_with_any_answer:
            self._works()
        return outcome

    def left_alone(self, rest_s: float) -> GatewayError:
        """Why it is not tried for ``rest_s``."""
        return GatewayError(
            f"The SMS gateway {self.name} is left alone.",
            retry_after_s=rest_s,
            fault=self._trouble.fault if self._trouble else Fault.ANSWER,
            gateway=self.name,
        )

    def _tried(self, attempt: Callable[[], Outcome], forgiven: Fault | None = None) -> Outcome:
        self._tried_ns = self._clock.boot_ns()
        try:
            return attempt()
        except GatewayError as error:
            error.gateway = self.name
            if error.fault is Fault.MESSAGE:
                self._refused, self._refusal = self._refused + 1, str(error)
                self._works()
            elif error.fault is not forgiven:
                self._fails(error)
            raise

    def _fails(self, error: GatewayError) -> None:
        self._trouble = _Trouble(error.fault, str(error), error.maybe_taken)
        was_closed = self._breaker.closed
        self._breaker.failed(grave=error.fault is Fault.CREDENTIALS, rest_s=error.retry_after_s)
        if was_closed and not self._breaker.closed:
            log.warning("SMS gateway %s is left alone for %.0f s: %s", self.name, self._breaker.rest_s(), error)

    def _works(self) -> None:
        if not self._breaker.closed:
            log.info("SMS gateway %s works again", self.name)
        self._trouble = None
        self._breaker.succeeded()
