"""``attendance sim phone`` as somebody starts it in a shell."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "attendance", "sim", "phone", *options]


def test_it_says_what_to_configure_serves_and_ends() -> None:
    """The printed block is JSON for config.json, its address answers, and SIGTERM ends it with success."""
    options = ("--port", "0", "--password", "pw", "--signing-key", "key", "--limit", "10/minute")
    with subprocess.Popen(command(*options), stdout=subprocess.PIPE, text=True, cwd=ROOT) as phone:
        assert phone.stdout is not None
        said = ""
        while not said.endswith("sms-webhook\n"):
            line = phone.stdout.readline()
            assert line, said
            said += line
        block = json.loads(said[said.index("{") : said.rindex("}") + 1])
        sms = block["sms_notifications"]
        assert block["sms_webhook"] == {"signing_key": "key"}
        assert (sms["enabled"], sms["username"], sms["password"]) == (True, "sms", "pw")
        page = re.search(r"http://\S+/", said)
        assert page is not None
        assert page[0] == f"{sms['api_url']}/"
        with urllib.request.urlopen(f"{sms['api_url']}/health", timeout=10) as answer:
            assert answer.status == 200
        phone.send_signal(signal.SIGTERM)
        assert phone.wait(10) == 0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--limit", "10"), "--limit '10'"),
        (("--limit", "0/minute"), "10/minute"),
        (("--webhook", "ftp://gate/"), "ftp://gate/"),
        (("--port", "70000"), "--port"),
        (("--speed", "0"), "--speed"),
        (("--host", "no.such.host.invalid"), "no address of this machine"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(options: tuple[str, str], word: str) -> None:
    """No traceback, exit code 1 or 2, and which option."""
    done = subprocess.run(command(*options), capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert word in done.stderr
    assert "Traceback" not in done.stderr
