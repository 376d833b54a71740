"""Pages that keep themselves up to date: a script asks for their live part, and mostly hears that nothing changed."""

import hashlib
from datetime import datetime

from flask import Response, make_response, render_template, request

from attendance.access.web.guard import LIVE_HEADER


def answer(whole: str, part: str, now: datetime, **values: object) -> Response:
    """The whole page, or its live part alone if the script asks.

    Args:
        whole: the page's template.
        part: that of its live part, which the page's includes.
        now: by the centre's clock; the live part shows nothing that would change with it alone.
    """
    if LIVE_HEADER not in request.headers:
        made = make_response(render_template(whole, live_url=request.full_path.rstrip("?"), now=now, **values))
        made.headers["Vary"] = f"Cookie, {LIVE_HEADER}"
        return made
    made = make_response(render_template(part, **values))
    made.set_etag(hashlib.sha256(made.get_data()).hexdigest()[:32])
    made.headers["Vary"] = f"Cookie, {LIVE_HEADER}"
    made.make_conditional(request)
    return made
