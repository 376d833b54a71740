"""What docs/operations/sms-webhook.md tells people to do works, and its tables are complete."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from report_desk import Desk

from attendance.domain.receipt import GatewayState, read_report
from attendance.kiosk.web import webhook
from attendance.ops import tls
from attendance.ops.health import Problem

GUIDE = (Path(__file__).parents[2] / "docs/operations/sms-webhook.md").read_text()
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", GUIDE, re.S) for line in block.splitlines()]


def command(program: str, containing: str = "") -> list[str]:
    [found] = [line for line in COMMANDS if line.startswith(program) and containing in line]
    return shlex.split(found)


def test_the_first_try_is_answered_as_promised(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The curl command, as it stands there, and its line in the log."""
    caplog.set_level("INFO")
    receiver = desk.started()
    words = [word.replace(":8081", f":{receiver.port}") for word in command("curl", "localhost:8081")]
    done = subprocess.run([*words, "--silent"], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout)["success"] is True
    [promised] = re.findall(r"`(SMS webhook: [^`]+)`", GUIDE)
    assert promised in caplog.text


def test_the_phones_report_is_read() -> None:
    """The example is one that the gate understands."""
    [example] = re.findall(r"```json\n(.*?)```", GUIDE, re.S)
    report = read_report(example.encode())
    assert (report.state, report.phone) == (GatewayState.DELIVERED, "+639755269146")


def test_the_certificate_that_is_made_can_be_served(tmp_path: Path) -> None:
    """The openssl command, as it stands there."""
    subprocess.run(command("openssl"), cwd=tmp_path, capture_output=True, timeout=60, check=True)
    assert tls.server_context(tmp_path / "gate.pem", tmp_path / "gate.key")


def test_every_problem_has_its_remedy() -> None:
    """The table names each problem that the webhook can have, and no other."""
    known = {each.code for each in vars(webhook).values() if isinstance(each, Problem)}
    assert set(re.findall(r"^\| `(sms-webhook-\w+)` \|", GUIDE, re.M)) == known
