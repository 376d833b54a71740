"""What a WSGI application must be spared, whoever serves it."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attendance.ops.peers import Network, address, within

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def hosts_that_can_be(serve: "WSGIApplication") -> "WSGIApplication":
    """Flask fails on a ``Host`` that can be no name (``..``, ``xn--a``): such a one becomes a name that nobody has."""

    def judge(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            name = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
            name.encode("idna").decode("idna")
        except ValueError:
            environ["HTTP_HOST"] = "host.invalid"
        return serve(environ, start_response)

    return judge


def scheme_of_proxies(proxies: Sequence[Network]) -> Callable[["WSGIApplication"], "WSGIApplication"]:
    """Believe ``X-Forwarded-Proto`` of those proxies and of nobody else: cookies are sent by it."""

    def around(serve: "WSGIApplication") -> "WSGIApplication":
        def judge(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            connected = address(environ.get("REMOTE_ADDR", ""))
            said = environ.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
            if said in ("http", "https") and connected is not None and within(connected, proxies):
                environ["wsgi.url_scheme"] = said
            return serve(environ, start_response)

        return judge

    return around
