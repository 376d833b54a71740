"""Somebody at the pages of a centre."""

import re
import secrets
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from attendance.access.passwords import Passwords
from attendance.clock import SystemClock
from attendance.fleet.store import users
from attendance.fleet.store.engine import open_engine, transaction

_TIMEOUT_S = 30.0


def operator(database: str, port: int) -> str:
    """The ``Cookie`` header of a new operator, who sees all schools."""
    login, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    engine = open_engine(database)
    with transaction(engine) as conn:
        users.add(conn, login, "Bench", Passwords().hash(password), SystemClock().now().at, operator=True)
    engine.dispose()
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    url = f"http://127.0.0.1:{port}"
    with browser.open(f"{url}/login", timeout=_TIMEOUT_S) as answer:
        token = re.search(r'name="form_token" value="([^"]+)"', answer.read().decode())
    if token is None:
        raise SystemExit("The login page has no form.")
    said = urllib.parse.urlencode({"login": login, "password": password, "form_token": token[1]}).encode()
    browser.open(urllib.request.Request(f"{url}/login", said, {"Origin": url}), timeout=_TIMEOUT_S).close()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)
