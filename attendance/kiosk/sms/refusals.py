"""What an HTTP status says about a message: refused, not taken, or nobody knows."""

import re
from datetime import datetime
from difflib import SequenceMatcher
from email.utils import parsedate_to_datetime

from attendance.kiosk.sms.gateway import Fault, GatewayError
from attendance.kiosk.sms.http_peer import Answer

LONGEST_REST_S = 3600.0
"""However long a gateway wants to be left alone, it is tried again after an hour."""
_LONGEST_REASON, _LONGEST_READ = 160, 1_000
_REPEATED = 8
"""Letters in a row that an error has in common with a message: it repeats it."""
_NUMBER = re.compile(r"\+?\d[\d\s().-]{4,}\d")
_BAD_REQUEST = (400, 413, 414, 422)
_BAD_LOGIN = (401, 403, 407)


def refusal(answer: Answer, peer: str, told: str = "") -> GatewayError:
    """What a status that is no success means for the message that was to be taken.

    Args:
        told: the message's text, which no error may repeat.

    4xx proves that it was not taken. Only those that speak of the request itself are the message's fault; a wrong
    address or a captive portal answers 404 or 451 to every message, and would have all of them thrown away. 503 proves
    it when the gateway itself says it, with ``Retry-After`` or in JSON: a proxy before it says 503 after a timeout too.
    """
    status, said = answer.status, reason(answer, told)
    text = f"{peer} answered {status}{f': {said}' if said else ''}."
    if status in _BAD_LOGIN:
        return GatewayError(text, fault=Fault.CREDENTIALS, retry_after_s=retry_after_s(answer))
    if status == 429 or (status == 503 and _is_own(answer)):
        return GatewayError(text, fault=Fault.BUSY, retry_after_s=retry_after_s(answer))
    if status in _BAD_REQUEST:
        return GatewayError(text, permanent=True, fault=Fault.MESSAGE)
    proven = 400 <= status < 500 and status != 409
    return GatewayError(text, maybe_taken=not proven, retry_after_s=retry_after_s(answer))


def reason(answer: Answer, told: str = "") -> str:
    """What the gateway says is wrong, on one line, without anybody's number; empty if it says nothing, or repeats what
    parents were to be told: providers call that ``message``, too."""
    fields = answer.json
    said = fields.get("message") if isinstance(fields, dict) else None
    if not isinstance(said, str):
        return ""
    line = "".join(letter for letter in " ".join(said.split()) if letter.isprintable())[:_LONGEST_READ]
    same = SequenceMatcher(None, line, " ".join(told.split()), autojunk=False).find_longest_match()
    if same.size >= _REPEATED:
        return ""
    return _NUMBER.sub("…", line)[:_LONGEST_REASON]


def retry_after_s(answer: Answer) -> float | None:
    """What ``Retry-After`` says, at most ``LONGEST_REST_S``; ``None`` if nothing that can be used.

    A date is taken against the answer's own ``Date``: the gate's clock may be wrong.
    """
    written = str(answer.headers.get("Retry-After", "")).strip()
    if written.isascii() and written.isdigit():
        return min(float(written[:9]), LONGEST_REST_S)
    until, now = _date(written), _date(str(answer.headers.get("Date", "")))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), LONGEST_REST_S)


def _is_own(answer: Answer) -> bool:
    return "Retry-After" in answer.headers or isinstance(answer.json, dict)


def _date(written: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(written)
    except (ValueError, IndexError, OverflowError):
        return None
    return at if at.tzinfo is not None else None
