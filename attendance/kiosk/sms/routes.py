"""Which gateway gets a message: the first that works, and the same one again for as long as it may have it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from attendance.clock import Clock
from attendance.domain.receipt import GatewayState, Report
from attendance.kiosk.sms.breaker import Breaker
from attendance.kiosk.sms.gateway import Fault, Gateway, GatewayError, Outgoing
from attendance.kiosk.sms.http_peer import LOOKUP_S
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
_PROBLEMS = {Fault.UNREACHABLE: UNREACHABLE, Fault.CREDENTIALS: CREDENTIALS, Fault.BUSY: BUSY}

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Taken:
    """A gateway has the message.

    Attributes:
        gateway_name: whom to ask about it.
        state: how far it says the message is.
    """

    gateway_name: str
    state: GatewayState


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


@dataclass(slots=True)
class _Route:
    """A gateway, and what is known of it. ``trouble``: of the last attempt, unless that worked."""

    gateway: Gateway
    breaker: Breaker
    trouble: _Trouble | None = None
    tried_ns: int = 0


class Routes:
    """The gateways in their order, each behind a circuit breaker. For any thread.

    Args:
        gateways: in the order in which they are tried; names are unique.
        problems: of gateways that are configured but cannot be used at all.
    """

    def __init__(self, gateways: Sequence[Gateway], clock: Clock, *, problems: Sequence[Problem] = ()) -> None:
        self._routes = {gateway.name: _Route(gateway, Breaker(clock)) for gateway in gateways}
        self._unusable = problems
        self._clock = clock

    @property
    def names(self) -> Sequence[str]:
        """The gateways in their order."""
        return list(self._routes)

    @property
    def first(self) -> str:
        """Name of the gateway that the next uncommitted message would be offered first; empty: none may be tried."""
        return next((name for name, route in self._routes.items() if route.breaker.rest_s() == 0), "")

    @property
    def longest_s(self) -> float:
        """How long ``send`` may block at worst: for deadlines of whoever calls it."""
        return sum(2 * (route.gateway.timeout_s + LOOKUP_S) for route in self._routes.values())

    def send(
        self, message: Outgoing, committed_to: str = "", trying: Callable[[str], None] = lambda name: None
    ) -> Taken:
        """Hand a message over.

        Without ``committed_to`` the gateways are tried in order; the next one only when it is proven that the one
        before did not take the message. With it only that gateway is tried: it is asked for the message, and given it
        again, by the same id, if it does not know it.

        Args:
            committed_to: the gateway that may have the message since an earlier attempt; empty: none may.
            trying: called with a gateway's name before it gets the request. What it notes must be durable when it
                returns: after a crash in the middle of the request the message is committed to that gateway.

        Raises:
            GatewayError: nobody is known to have it.
                ``permanent`` and not ``maybe_taken``: refused for ever.
                ``permanent`` and ``maybe_taken``: it will never be known, and must not be sent again.
                ``maybe_taken``: send it again later, with ``committed_to=error.gateway``. Once committed it stays so
                whatever the later attempts say, because they prove nothing about the first.
                neither: nobody has it; the commitment, if one was noted, is void. ``retry_after_s`` says when a
                gateway can be tried again, if that is known. ``gateway`` is empty when no request was made at all.
        """
        return self._again(message, committed_to, trying) if committed_to else self._anew(message, trying)

    def ask(self, gateway_name: str, message_id: str) -> Sequence[Report]:
        """What the gateway knows of a message; nothing if it does not know it, or cannot be asked.

        Nothing is no proof that it never had it while an earlier request may still be under way: sending again to
        the same gateway finds out.

        Raises:
            GatewayError: it does not answer, is left alone for ``retry_after_s``, or there is no such gateway.
        """
        route = self._route(gateway_name)
        if not route.gateway.recognises_repeats:
            return ()
        if rest_s := route.breaker.rest_s():
            raise _left_alone(route, rest_s)
        return self._tried(route, lambda: route.gateway.ask(message_id))

    def check(self, idle_s: float = 0.0) -> Sequence[tuple[str, str, bool]]:
        """Ask the gateways whether they let us in, sending nothing: name, a sentence, and whether it does.

        Args:
            idle_s: leave those out that were tried since, and those that are left alone; 0: ask all.
        """
        found = []
        for name, route in self._routes.items():
            idle_ns = self._clock.boot_ns() - route.tried_ns
            if idle_s and (idle_ns < idle_s * 1e9 or route.breaker.rest_s() > 0):
                continue
            try:
                found.append((name, self._tried(route, route.gateway.check), True))
            except GatewayError as error:
                found.append((name, str(error), False))
        return found

    def rest_s(self, committed_to: str = "") -> float:
        """How long until a gateway, or that one, may be tried; 0: at once, or that there is none."""
        wanted = [self._routes[committed_to]] if committed_to in self._routes else list(self._routes.values())
        return min((route.breaker.rest_s() for route in wanted), default=0.0)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the gateways, for health."""
        found = list(self._unusable)
        for name, route in self._routes.items():
            trouble = route.trouble
            if trouble is not None and not route.breaker.closed:
                found.append(_PROBLEMS.get(trouble.fault, ANSWERS).said(name=name, error=trouble.text))
        return found

    def _anew(self, message: Outgoing, trying: Callable[[str], None]) -> Taken:
        refused: GatewayError | None = None
        for name, route in self._routes.items():
            if not route.breaker.enter():
                continue
            trying(name)
            try:
                return self._sent(route, message)
            except GatewayError as error:
                if error.maybe_taken or error.permanent:
                    raise
                refused = error
        raise GatewayError(
            str(refused) if refused else self._nobody(),
            retry_after_s=self.rest_s() or None,
            fault=refused.fault if refused else Fault.UNREACHABLE,
            gateway=refused.gateway if refused else "",
        ) from refused

    def _again(self, message: Outgoing, name: str, trying: Callable[[str], None]) -> Taken:
        try:
            route = self._route(name)
            if not route.gateway.may_repeat:
                raise GatewayError(f"{name} does not say what became of a message.", permanent=True)
            self._enter(route)
            known = self._known(route, message) if route.gateway.recognises_repeats else None
            if known is not None:
                return known
            trying(name)
            return self._sent(route, message)
        except GatewayError as error:
            raise GatewayError(
                str(error),
                permanent=error.permanent,
                maybe_taken=True,
                retry_after_s=error.retry_after_s,
                fault=error.fault,
                gateway=name,
            ) from error

    def _known(self, route: _Route, message: Outgoing) -> Taken | None:
        """The gateway has it since an earlier attempt. Phones of 2025 and before answer a repeat with 500."""
        for report in self._tried(route, lambda: route.gateway.ask(message.message_id)):
            if report.state is not None:
                return Taken(route.gateway.name, report.state)
        return None

    def _sent(self, route: _Route, message: Outgoing) -> Taken:
        try:
            return Taken(route.gateway.name, self._tried(route, lambda: route.gateway.send(message), sending=True))
        except GatewayError as error:
            error.permanent |= error.maybe_taken and not route.gateway.may_repeat
            raise

    def _tried(self, route: _Route, attempt: Callable[[], Outcome], *, sending: bool = False) -> Outcome:
        """The outcome of an attempt, of which the breaker is told."""
        route.tried_ns = self._clock.boot_ns()
        try:
            outcome = attempt()
        except GatewayError as error:
            error.gateway = route.gateway.name
            if error.fault is Fault.MESSAGE:
                self._works(route)
            else:
                self._fails(route, error)
            raise
        if sending or (route.trouble is not None and route.trouble.ends_with_any_answer):
            self._works(route)
        return outcome

    def _fails(self, route: _Route, error: GatewayError) -> None:
        route.trouble = _Trouble(error.fault, str(error), error.maybe_taken)
        was_closed = route.breaker.closed
        route.breaker.failed(grave=error.fault is Fault.CREDENTIALS, rest_s=error.retry_after_s)
        if was_closed and not route.breaker.closed:
            rest_s = route.breaker.rest_s()
            log.warning("SMS gateway %s is left alone for %.0f s: %s", route.gateway.name, rest_s, error)

    def _works(self, route: _Route) -> None:
        if not route.breaker.closed:
            log.info("SMS gateway %s works again", route.gateway.name)
        route.trouble = None
        route.breaker.succeeded()

    def _route(self, name: str) -> _Route:
        if name not in self._routes:
            raise GatewayError(f"There is no SMS gateway {name!r} in the configuration any more.", gateway=name)
        return self._routes[name]

    def _enter(self, route: _Route) -> None:
        rest_s = route.breaker.rest_s()
        if not route.breaker.enter():
            raise _left_alone(route, rest_s)

    def _nobody(self) -> str:
        return "All SMS gateways are left alone for a while." if self._routes else "No SMS gateway can be used."


def _left_alone(route: _Route, rest_s: float) -> GatewayError:
    return GatewayError(
        f"The SMS gateway {route.gateway.name} is left alone.",
        retry_after_s=rest_s,
        fault=route.trouble.fault if route.trouble else Fault.ANSWER,
        gateway=route.gateway.name,
    )
