"""Sends words to addresses by Apprise (mail, Telegram, …), and pings a monitor; in a process of its own.

What it needs takes thirty megabytes and may wait for a slow server: neither belongs into a process that must not stop.
Addresses hold passwords, so they come by standard input and never stand in a command line or a log.

Source of the address forms: https://github.com/caronc/apprise/wiki. Of the ping: https://healthchecks.io/docs/http_api/
"""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import attendance
from attendance.errors import AttendanceError

PATIENCE_S = 45.0
"""For all addresses together; they are served side by side."""
_PING_S = 10.0
_FAILED = "alerts could not be sent: the sending process ended"


@dataclass(frozen=True, slots=True)
class Post:
    """``severity`` is that of ``Words``."""

    addresses: Sequence[str]
    title: str
    body: str
    severity: str


class Poster:
    """Has each order carried out by a process. One thread asks, any thread may interrupt."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._interrupted = False

    def send(self, post: Post) -> list[bool]:
        """Whether each address took it, in their order.

        Raises:
            AttendanceError: nothing can be sent at all; says why, without an address.
        """
        if not post.addresses:
            return []
        types = {"error": "failure", "warning": "warning", "recovery": "success"}
        order = {"title": post.title, "body": post.body, "type": types.get(post.severity, "info")}
        return self.ask({"addresses": list(post.addresses), **order})

    def understood(self, addresses: Sequence[str]) -> list[bool]:
        """Whether each address has a form that can be used; nothing is sent.

        Raises:
            AttendanceError: it cannot be found out.
        """
        return self.ask({"addresses": list(addresses)}) if addresses else []

    def ping(self, url: str, *, well: bool) -> bool:
        """Tell a dead man's switch that this lives, and whether it is well; whether that was heard.

        Raises:
            AttendanceError: it cannot be tried.
        """
        return self.ask({"ping": url.rstrip("/") + ("" if well else "/fail")})[0]

    def interrupt(self) -> None:
        """End the order that is being carried out, and take no other."""
        self._interrupted = True
        process = self._process
        if process is not None:
            process.kill()

    def ask(self, order: dict[str, Any]) -> list[bool]:
        """The answer to one order.

        Raises:
            AttendanceError: there is none.
        """
        if self._interrupted:
            raise AttendanceError(_FAILED)
        folder = Path(attendance.__file__).parents[1]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        try:
            with subprocess.Popen([sys.executable, "-m", __name__], cwd=folder, **pipes) as self._process:  # type: ignore[call-overload]
                try:
                    said, _ = self._process.communicate(json.dumps(order).encode(), timeout=PATIENCE_S)
                finally:
                    self._process.kill()
            answer = json.loads(said)
        except subprocess.TimeoutExpired as error:
            raise AttendanceError(f"alerts could not be sent within {PATIENCE_S:.0f} s") from error
        except (OSError, ValueError) as error:
            raise AttendanceError(_FAILED) from error
        finally:
            self._process = None
        if isinstance(answer, dict):
            raise AttendanceError(str(answer["error"]))
        return [bool(each) for each in answer]


def carried_out(order: dict[str, Any]) -> list[bool] | dict[str, str]:
    """Do what an order says; whether each address took it, or why nothing could be done."""
    if "ping" in order:
        return [_pinged(order["ping"])]
    try:
        import apprise
    except ModuleNotFoundError:
        return {"error": "alerts cannot be sent: the package apprise is missing; install requirements.txt again"}
    results = []
    for address in order["addresses"]:
        to = apprise.Apprise()
        good = bool(to.add(address))
        if good and "title" in order:
            good = bool(to.notify(body=order["body"], title=order["title"], notify_type=order["type"]))
        results.append(good)
    return results


def _pinged(url: str) -> bool:
    if not url.startswith(("https://", "http://")):
        return False
    request = Request(url, headers={"User-Agent": f"attendance/{attendance.__version__}"})
    try:
        with urlopen(request, timeout=_PING_S) as answer:
            return 200 <= int(answer.status) < 300
    except OSError:
        return False


if __name__ == "__main__":
    logging.disable()  # what libraries log of an address may hold its password
    json.dump(carried_out(json.load(sys.stdin)), sys.stdout)
