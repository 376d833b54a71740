"""A newcomer's first look at a centre."""

import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import psutil
import pytest
from gate_process import ROOT, free_port

Eventually = Callable[..., None]


class Demo:
    """``attendance fleet demo``, and somebody who does what it says."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "attendance", "fleet", "demo", "--port", str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def log_in(self) -> str:
        """The page that one gets to."""
        found = re.search(r"(http://\S+) Log in as (\S+) with the password (\S+)", self.first_line)
        assert found is not None, self.first_line
        self.url, login, password = found.groups()
        form = self.page("login")
        token = re.search(r'name="form_token" value="([^"]+)"', form)
        assert token is not None
        said = urllib.parse.urlencode({"login": login, "password": password, "form_token": token[1]}).encode()
        request = urllib.request.Request(f"{self.url}login", said, {"Origin": self.url.rstrip("/")})
        with self._browser.open(request, timeout=10) as answer:
            return str(answer.read().decode())

    def page(self, path: str) -> str:
        with self._browser.open(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def close(self) -> None:
        for each in [*psutil.Process(self.process.pid).children(recursive=True), self.process]:
            each.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(10)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    if demo.process.poll() is None:
        demo.close()


def test_the_demo_shows_a_gate_that_needs_somebody(demo: Demo, tmp_path: Path, eventually: Eventually) -> None:
    """Three gates call with clocks that are right, the silent one is flagged although it calls, scans go on coming and
    are measured, and Ctrl-C leaves nothing."""
    assert "South gate" in demo.log_in()
    eventually(lambda: "nobody has passed" in demo.page("?show=all"), within_s=20)
    shown = demo.page("?show=all")
    assert all(name in shown for name in ("Main gate", "East gate", "South gate"))
    first = _scans(shown)
    eventually(lambda: _scans(demo.page("?show=all")) > first, within_s=30)
    assert "unsure" not in shown
    school = re.search(r"/(schools/[0-9a-f-]{36})", shown)
    assert school is not None
    measured = demo.page(f"{school[1]}/analytics/gates.csv")
    assert measured.count("scan time ms, half") == measured.count("scan time ms, 95 of 100") == 3
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []
    assert not [
        each for each in psutil.process_iter(["cmdline"]) if f"--port={demo.port}" in (each.info["cmdline"] or [])
    ]
    assert demo.process.stdout is not None
    demo.process.stdout.close()


def _scans(page: str) -> int:
    """Of all gates today."""
    return sum(
        int(number.replace(",", "")) for number in re.findall(r'class="scans"><span class="number">([0-9,]+)', page)
    )
