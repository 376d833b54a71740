"""What the API answers when it does not do what it was asked: always JSON, always with what to do."""

from flask import Response
from werkzeug.exceptions import HTTPException

from attendance.domain.contact import ErrorText, Failed

JSON = "application/json"


class Refusal(Exception):
    """An answer that is none of the promised ones.

    Attributes:
        status: of HTTP.
        code: for programs.
        wait_s: whole seconds after which it may be tried again; 0: nothing is said of that.
    """

    def __init__(self, status: int, code: str, message: str, wait_s: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.wait_s = wait_s

    def answer(self) -> Response:
        body = Failed(error=ErrorText(code=self.code, message=self.message)).model_dump_json()
        answer = Response(body, self.status, content_type=JSON)
        if self.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        if self.wait_s:
            answer.headers["Retry-After"] = str(self.wait_s)
        return answer


_KNOWN = {
    400: ("bad-request", "The request is no whole HTTP request. Send it again."),
    404: ("not-found", "There is no such address. /api/v1/openapi.json lists those that there are."),
    405: ("wrong-method", "This address does not know that method. /api/v1/openapi.json lists those that it knows."),
    413: ("too-large", "The request is too large. Send less at a time."),
    500: ("broken", "The centre has a fault of its own, which is in its log. Try again later."),
}


def of_http(error: HTTPException) -> Refusal:
    """What Flask and werkzeug refuse, in our words."""
    status = error.code or 500
    code, message = _KNOWN.get(status, ("refused", error.description or "The request was refused."))
    return Refusal(status, code, message)
