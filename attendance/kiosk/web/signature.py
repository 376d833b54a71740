"""SMS-Gate's signature of a webhook: who posts it knows the phone's signing key.

Source: ``PayloadSingingPlugin.kt`` of capcom6/android-sms-gateway: ``X-Signature`` is the lower-case hex HMAC-SHA256 of
the raw body followed by the text of ``X-Timestamp`` (unix seconds, set afresh at each attempt).
"""

import hashlib
import hmac
import re

from attendance.clock import Moment
from attendance.kiosk.web.access import same

TOLERANCE_S = 300
"""How old a signature may be: SMS-Gate's own advice."""
_SECONDS = re.compile(r"[0-9]{1,12}")


def sign(key: str, body: bytes, timestamp: str) -> str:
    """The signature of a body that is posted at ``timestamp``."""
    return hmac.new(key.encode(), body + timestamp.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def fault(key: str, body: bytes, timestamp: str, signature: str, now: Moment) -> str:
    """Why the signature does not hold; empty when it does.

    Age counts only when our own clock is trusted: a gate that does not know the time must not refuse a phone that does.
    Old reports do no harm then either, because those that have been here are remembered.
    """
    if not signature:
        return "X-Signature is missing"
    if not _SECONDS.fullmatch(timestamp):
        return "X-Timestamp is missing or no number of seconds"
    if not same(signature, sign(key, body, timestamp)):
        return "X-Signature is wrong"
    if now.trusted and abs(now.at.timestamp() - int(timestamp)) > TOLERANCE_S:
        return f"X-Timestamp is more than {TOLERANCE_S} s away from the gate's clock"
    return ""
