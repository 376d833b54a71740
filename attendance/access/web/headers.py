"""What every answer with a page says to the browser: nothing from elsewhere, in no frame, kept by nobody."""

from flask import Flask, Response, request

HSTS = "max-age=31536000"
_HEADERS = {
    # no inline script or style anywhere: text that slipped into a page is then only text
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def secure(answer: Response) -> Response:
    """Add what an answer does not say itself."""
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    if request.is_secure:
        answer.headers.setdefault("Strict-Transport-Security", HSTS)
    if not (request.endpoint or "").endswith("static"):
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def secure_all(app: Flask) -> None:
    """Secure every answer of an application, also those to requests that match nothing."""
    app.after_request(secure)
