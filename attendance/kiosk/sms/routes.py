"""Which gateway gets a message: the first that works, and the same one again for as long as it may have it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attendance.clock import Clock
from attendance.domain.receipt import GatewayState, Report
from attendance.kiosk.sms.gateway import Fault, Gateway, GatewayError, Outgoing
from attendance.kiosk.sms.http_peer import LOOKUP_S
from attendance.kiosk.sms.route import Route
from attendance.ops.health import Problem


@dataclass(frozen=True, slots=True)
class Taken:
    """A gateway has the message.

    Attributes:
        gateway_name: whom to ask about it.
        state: how far it says the message is.
    """

    gateway_name: str
    state: GatewayState


class Routes:
    """The gateways in their order, each behind a circuit breaker. For any thread.

    Args:
        gateways: in the order in which they are tried; names are unique.
        problems: of gateways that are configured but cannot be used at all.
    """

    def __init__(self, gateways: Sequence[Gateway], clock: Clock, *, problems: Sequence[Problem] = ()) -> None:
        self._routes = {gateway.name: Route(gateway, clock) for gateway in gateways}
        self._unusable = problems

    @property
    def names(self) -> Sequence[str]:
        """The gateways in their order."""
        return list(self._routes)

    @property
    def first(self) -> str:
        """Name of the gateway that the next uncommitted message would be offered first; empty: none may be tried."""
        return next((name for name, route in self._routes.items() if route.rest_s() == 0), "")

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
        if rest_s := route.rest_s():
            raise route.left_alone(rest_s)
        return route.question(lambda: route.gateway.ask(message_id), forgiven=Fault.ANSWER)

    def check(self, idle_s: float = 0.0) -> Sequence[tuple[str, str, bool]]:
        """Ask the gateways whether they let us in, sending nothing: name, a sentence, and whether it does.

        Args:
            idle_s: leave those out that were tried since, and those that are left alone; 0: ask all.
        """
        found = []
        for name, route in self._routes.items():
            if idle_s and (route.idle_s < idle_s or route.rest_s() > 0):
                continue
            try:
                found.append((name, route.question(route.gateway.check), True))
            except GatewayError as error:
                found.append((name, str(error), False))
        return found

    def rest_s(self, committed_to: str = "") -> float:
        """How long until a gateway, or that one, may be tried; 0: at once, or that there is none."""
        wanted = [self._routes[committed_to]] if committed_to in self._routes else list(self._routes.values())
        return min((route.rest_s() for route in wanted), default=0.0)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the gateways, for health."""
        found = (route.problem for route in self._routes.values())
        return [*self._unusable, *(problem for problem in found if problem is not None)]

    def _anew(self, message: Outgoing, trying: Callable[[str], None]) -> Taken:
        refused: GatewayError | None = None
        for name, route in self._routes.items():
            if not route.enter():
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
            rest_s = route.rest_s()
            if not route.enter():
                raise route.left_alone(rest_s)
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

    def _known(self, route: Route, message: Outgoing) -> Taken | None:
        """The gateway has it since an earlier attempt. Phones of 2025 and before answer a repeat with 500."""
        for report in route.question(lambda: route.gateway.ask(message.message_id)):
            if report.state is not None:
                return Taken(route.gateway.name, report.state)
        return None

    def _sent(self, route: Route, message: Outgoing) -> Taken:
        try:
            return Taken(route.gateway.name, route.send(lambda: route.gateway.send(message)))
        except GatewayError as error:
            error.permanent |= error.maybe_taken and not route.gateway.may_repeat
            raise

    def _route(self, name: str) -> Route:
        if name not in self._routes:
            raise GatewayError(f"There is no SMS gateway {name!r} in the configuration any more.", gateway=name)
        return self._routes[name]

    def _nobody(self) -> str:
        return "All SMS gateways are left alone for a while." if self._routes else "No SMS gateway can be used."
