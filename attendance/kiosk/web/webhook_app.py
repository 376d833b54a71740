"""The pages of the delivery webhook: who may report, what is a report, and the answers."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Request, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from attendance.clock import Clock
from attendance.domain.receipt import Report
from attendance.errors import BadInput, StorageError
from attendance.kiosk.web import signature
from attendance.kiosk.web.access import Access, bears, same_origin
from attendance.ops.webserver import BODY_LIMIT_BYTES

_TRY_AGAIN_S = "10"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status, and why: for the person who looks after the peer or the gate."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reporters:
    """Who may report.

    With a token or a signing key, whoever shows one of them, from anywhere and under any name of the gate. With
    neither, private peers that are no foreign web page.
    """

    token: str
    signing_key: str
    access: Access
    clock: Clock

    @property
    def anybody_near(self) -> bool:
        return not self.token and not self.signing_key

    def refusal(self, asked: Request, body: bytes) -> Refusal | None:
        if self.anybody_near:
            return self._stranger(asked)
        if bears(asked, self.token):
            return None
        if not self.signing_key:
            return Refusal(401, "Send `Authorization: Bearer <sms_webhook.auth_token>`.")
        fault = signature.fault(
            self.signing_key,
            body,
            asked.headers.get("X-Timestamp", ""),
            asked.headers.get("X-Signature", ""),
            self.clock.now(),
        )
        return Refusal(401, f"{fault}. The key is sms_webhook.signing_key.") if fault else None

    def _stranger(self, asked: Request) -> Refusal | None:
        if not self.access.host_known(asked):
            return Refusal(421, "This gate does not go by that name; add it to web.hosts.")
        if not same_origin(asked):
            return Refusal(403, "Web pages may not report.")
        if not self.access.from_private(asked):
            return Refusal(403, "Set sms_webhook.auth_token or sms_webhook.signing_key to report from outside.")
        return None


def webhook_app(
    reporters: Reporters,
    read: Callable[[bytes], Report],
    take: Callable[[Report], str],
    refused: Callable[[Refusal], None],
    port: Callable[[], int],
) -> Flask:
    """The WSGI application of the webhook's port.

    Args:
        read: the report in a body; raises ``BadInput`` if it is none.
        take: keeps a report durably and says what it did; raises ``StorageError`` if it cannot.
        refused: told of every report that was not taken.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT_BYTES

    @app.post("/sms-webhook")
    def report() -> tuple[Response, int]:
        body = request.get_data()
        refusal = reporters.refusal(request, body)
        if refusal is not None:
            refused(refusal)
            return jsonify(error=refusal.reason), refusal.status
        try:
            return jsonify(success=True, message=take(read(body))), 200
        except BadInput as error:
            refused(Refusal(400, str(error)))
            return jsonify(error=str(error)), 400

    @app.get("/sms-webhook/health")
    def health() -> Response:
        return jsonify(status="healthy", service="sms_webhook", port=port())

    @app.errorhandler(StorageError)
    def not_durable(error: StorageError) -> tuple[Response, int, dict[str, str]]:
        refused(Refusal(503, str(error)))
        # no success before it is on the disk: the phone sends a report again for two days
        return jsonify(error="The report could not be kept. Send it again."), 503, {"Retry-After": _TRY_AGAIN_S}

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.description), error.code or 500

    return app
