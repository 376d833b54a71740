"""Which gateway gets a message: the first that works, and the same one again for as long as it may have it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attendance.clock import Clock
from attendance.domain.receipt import GatewayState, Report
from attendance.kiosk.sms.gateway import Gateway, Outgoing
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
    """The gateways in their order, each behind a circuit breaker.

    Args:
        gateways: in the order in which they are tried; names are unique.
    """

    def __init__(self, gateways: Sequence[Gateway], clock: Clock) -> None:
        self._gateways = gateways
        self._clock = clock

    @property
    def first(self) -> str:
        """Name of the gateway that the next uncommitted message would be offered first; empty: none may be tried."""
        raise NotImplementedError

    def send(
        self, message: Outgoing, committed_to: str = "", trying: Callable[[str], None] = lambda name: None
    ) -> Taken:
        """Hand a message over.

        Without ``committed_to`` the gateways are tried in order; the next one only when it is proven that the one
        before did not take the message. With it only that gateway is tried, by the same id.

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
        raise NotImplementedError

    def ask(self, gateway_name: str, message_id: str) -> Sequence[Report]:
        """What the gateway knows of a message; nothing if it does not know it, or cannot be asked.

        Nothing is no proof that it never had it while an earlier request may still be under way: sending again to
        the same gateway finds out.

        Raises:
            GatewayError: it does not answer, or there is no such gateway any more.
        """
        raise NotImplementedError

    def rest_s(self, committed_to: str = "") -> float:
        """How long until a gateway, or that one, may be tried; 0: at once."""
        raise NotImplementedError

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the gateways, for health."""
        raise NotImplementedError
