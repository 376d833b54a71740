"""SMS-Gate, the app on the phone: through its public server, a private one, or the phone itself on the network.

Source: capcom6/android-sms-gateway: ``MessagesRoutes.kt`` of the app, ``handlers/messages/3rdparty.go`` of the server.
A base URL is ``https://api.sms-gate.app/3rdparty/v1``, ``https://<server>/api/3rdparty/v1`` or ``http://<phone>:8080``.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from attendance.domain.receipt import GatewayState, Report, read_report
from attendance.errors import BadInput
from attendance.kiosk.sms.connection import Deadline
from attendance.kiosk.sms.gateway import Fault, GatewayError, Outgoing
from attendance.kiosk.sms.http_peer import Answer, ExchangeFailed, HttpPeer
from attendance.kiosk.sms.login import Basic, Login, Token
from attendance.kiosk.sms.refusals import refusal

_SHORTEST_TTL_S = 5
"""The server refuses less."""
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_ODD = "with something that no SMS-Gate says: a login page of the network, a proxy, or a wrong address"


class SmsGate:
    """One phone with SMS-Gate. It recognises a repeat by the message's id, so that nothing is sent twice.

    Args:
        name: of the configuration's section.
        api_url: the base URL.
        device_id: which phone of the account; empty: the server chooses.
        sim_number: 1 to 3; 0: as the phone is set.
        auth: ``jwt`` for servers only.
        ca_file: who vouches for a private server; ``None``: whom the system trusts.
        timeout_s: for the whole of a call, but for looking up the name.

    Raises:
        BadInput: ``api_url`` is no address.
    """

    recognises_repeats = may_repeat = True

    def __init__(
        self,
        name: str,
        api_url: str,
        username: str,
        password: str,
        *,
        device_id: str = "",
        sim_number: int = 0,
        auth: Literal["basic", "jwt"] = "basic",
        ca_file: Path | None = None,
        timeout_s: float = 15.0,
    ) -> None:
        self.name = name
        self.device_id = device_id
        self.timeout_s = timeout_s
        self._sim_number = sim_number
        self._peer = HttpPeer(api_url, ca_file=ca_file)
        basic = Basic(username, password)
        self._login: Login = Token(self._peer, basic) if auth == "jwt" else basic

    @property
    def origin(self) -> str:
        """Where it is, for people."""
        return self._peer.origin

    def send(self, message: Outgoing) -> GatewayState:
        """See ``Gateway``."""
        deadline = Deadline(self.timeout_s)
        answer = self.request("POST", "/messages", self._body(message), deadline)
        if answer.status == 409:
            return self._already_there(message.message_id, deadline)
        if 200 <= answer.status < 300:
            return self._state(answer, message.message_id)
        error = refusal(answer, self.origin, message.text)
        if error.permanent and not isinstance(answer.json, dict):  # a proxy's, as before a port that speaks TLS
            raise GatewayError(f"{self.origin} answered {answer.status} {_ODD}.")
        if answer.status == 400 and (fault := self._device_fault(deadline)):
            raise fault
        raise error

    def ask(self, message_id: str) -> Sequence[Report]:
        """See ``Gateway``."""
        return self._ask(message_id, Deadline(self.timeout_s))

    def check(self) -> str:
        """See ``Gateway``."""
        deadline = Deadline(self.timeout_s)
        devices = self._devices(deadline)
        if devices is None:
            raise GatewayError(f"{self.origin} answered {_ODD}. Check api_url.")
        if fault := self._missing(devices):
            raise fault
        return f"{self.origin} lets us in and knows {len(devices)} phone{'s' if len(devices) != 1 else ''}."

    def request(self, method: str, path: str, payload: object = None, deadline: Deadline | None = None) -> Answer:
        """Ask the API as the configured user; a login that has run out is renewed once.

        Args:
            payload: sent as JSON; ``None``: no body.

        Raises:
            GatewayError: there is no answer; ``maybe_taken`` says whether the request may have arrived.
        """
        deadline = deadline or Deadline(self.timeout_s)
        body = None if payload is None else json.dumps(payload).encode()
        answer = self._exchange(method, path, body, deadline)
        if answer.status == 401 and self._login.renew():
            answer = self._exchange(method, path, body, deadline)
        return answer

    def call(self, method: str, path: str, payload: object = None) -> Any:
        """The JSON that a request is answered with; ``None`` for no body.

        Raises:
            GatewayError: it did not succeed.
        """
        answer = self.request(method, path, payload)
        if not 200 <= answer.status < 300:
            raise refusal(answer, self.origin)
        if answer.body and answer.json is None:
            raise GatewayError(f"{self.origin} answered {answer.status} {_ODD}.")
        return answer.json

    def _exchange(self, method: str, path: str, body: bytes | None, deadline: Deadline) -> Answer:
        headers = {**_HEADERS, "Authorization": self._login.authorization(deadline)}
        try:
            return self._peer.exchange(method, path, headers, body, deadline)
        except ExchangeFailed as error:
            raise GatewayError(str(error), maybe_taken=error.request_sent, fault=Fault.UNREACHABLE) from error

    def _body(self, message: Outgoing) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": message.message_id,
            "textMessage": {"text": message.text},
            "phoneNumbers": [message.phone],
            "withDeliveryReport": True,
            "ttl": max(message.valid_for_s, _SHORTEST_TTL_S),
            "priority": message.priority,
        }
        if self.device_id:
            body["deviceId"] = self.device_id
        if self._sim_number:
            body["simNumber"] = self._sim_number
        return body

    def _state(self, answer: Answer, message_id: str) -> GatewayState:
        """What a success says of the message.

        Whatever the status, only an answer that names the message is one: the page of a captive portal is a success
        too.
        """
        report = _report(answer, message_id)
        if report is None or report.state is None:
            raise GatewayError(f"{self.origin} answered {answer.status} {_ODD}.", maybe_taken=True)
        return report.state

    def _already_there(self, message_id: str, deadline: Deadline) -> GatewayState:
        try:
            reports = self._ask(message_id, deadline)
        except GatewayError as error:
            raise GatewayError(str(error), maybe_taken=True, fault=error.fault) from error
        for report in reports:
            if report.state is not None:
                return report.state
        raise GatewayError(f"{self.origin} says that it has the message, and that it has not.", maybe_taken=True)

    def _ask(self, message_id: str, deadline: Deadline) -> Sequence[Report]:
        answer = self.request("GET", f"/messages/{quote(message_id, safe='')}", deadline=deadline)
        if answer.status == 404 and (not answer.body or isinstance(answer.json, dict)):
            return ()  # the phone says it with an empty body, a server in JSON; a page in HTML is somebody else's
        if answer.status != 200:
            error = refusal(answer, self.origin)
            # a question that is refused says nothing about the message, and the gateway is not what it should be
            raise GatewayError(
                str(error), retry_after_s=error.retry_after_s, fault=Fault.ANSWER if error.permanent else error.fault
            )
        report = _report(answer, message_id)
        if report is None:
            raise GatewayError(f"{self.origin} answered {_ODD}.")
        return (report,)

    def _devices(self, deadline: Deadline) -> list[Any] | None:
        """The phones that it knows; ``None`` if it does not say.

        ``/device`` is what phones of 2025 and before call it.
        """
        for path in ("/devices", "/device"):
            answer = self.request("GET", path, deadline=deadline)
            if answer.status == 200 and isinstance(answer.json, list):
                return list(answer.json)
            if answer.status not in (200, 404):
                raise refusal(answer, self.origin)
        return None

    def _device_fault(self, deadline: Deadline) -> GatewayError | None:
        """Whether a refused message is the fault of its phone, which the server does not know: then every message is
        refused, and none must be thrown away for it."""
        try:
            devices = self._devices(deadline)
        except GatewayError:
            return None
        return None if devices is None else self._missing(devices)

    def _missing(self, devices: Sequence[Any]) -> GatewayError | None:
        known = [str(device.get("id")) for device in devices if isinstance(device, dict)]
        if self.device_id in known or (known and not self.device_id):
            return None
        wanted = f"no phone {self.device_id!r}" if self.device_id else "no phone"
        others = f"; it knows {', '.join(known[:5])}" if known else ""
        return GatewayError(f"{self.origin} knows {wanted}{others}. Correct device_id.", fault=Fault.CREDENTIALS)


def _report(answer: Answer, message_id: str) -> Report | None:
    """What the answer says of the message; ``None`` if it speaks of none, or of another."""
    if not answer.whole:
        return None
    try:
        report = read_report(answer.body)
    except BadInput:
        return None
    return report if report.message_id == message_id else None
