"""Any provider that takes a message as one HTTP request and says with its status whether it has it."""

from collections.abc import Sequence

from attendance.domain.receipt import GatewayState, Report
from attendance.errors import BadInput
from attendance.kiosk.sms.connection import Deadline
from attendance.kiosk.sms.gateway import Fault, GatewayError, Outgoing
from attendance.kiosk.sms.http_peer import ExchangeFailed, HttpPeer
from attendance.kiosk.sms.refusals import refusal
from attendance.kiosk.sms.request_template import RequestTemplate


class HttpGateway:
    """A provider of which nothing is known but its request: it recognises no repeat and cannot be asked.

    A message without a clear answer is therefore lost from sight, unless a person decided that it is repeated.

    Args:
        name: of the configuration's section.
        url: with placeholders, as ``RequestTemplate`` has it.
        headers: each as ``Name: value``.
        may_repeat: whether a message without a clear answer may be sent again; a guardian may get it twice.

    Raises:
        BadInput: the request cannot be made; the message says why.
    """

    recognises_repeats = False

    def __init__(
        self,
        name: str,
        url: str,
        *,
        method: str = "POST",
        headers: tuple[str, ...] = (),
        body: str = "",
        may_repeat: bool = False,
        timeout_s: float = 15.0,
    ) -> None:
        self.name = name
        self.may_repeat = may_repeat
        self.timeout_s = timeout_s
        self._method = method
        try:
            self._template = RequestTemplate(method, url, headers, body)
            self._peer = HttpPeer(self._template.origin)
        except ValueError as error:
            raise BadInput(f"url is no address ({error}).") from error

    def send(self, message: Outgoing) -> GatewayState:
        """See ``Gateway``: any success means that the provider has it; what becomes of it is never known."""
        filled = self._template.fill({"phone": message.phone, "text": message.text, "id": message.message_id})
        try:
            answer = self._peer.exchange(
                self._method, filled.path, self._template.headers, filled.body, Deadline(self.timeout_s)
            )
        except ExchangeFailed as error:
            raise GatewayError(str(error), maybe_taken=error.request_sent, fault=Fault.UNREACHABLE) from error
        if not 200 <= answer.status < 300:
            raise refusal(answer, self._peer.origin, message.text)
        return GatewayState.PENDING

    def ask(self, message_id: str) -> Sequence[Report]:
        """See ``Gateway``: nothing can be asked."""
        return ()

    def check(self) -> str:
        """See ``Gateway``: only whether it is there; its credentials would be tried by a message."""
        try:
            self._peer.reach(Deadline(self.timeout_s))
        except ExchangeFailed as error:
            raise GatewayError(str(error), fault=Fault.UNREACHABLE) from error
        return f"{self._peer.origin} can be reached. Whether it lets us in, only a message shows."
