"""What takes minutes: a network that loses packets, and a centre that is killed again and again."""

import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from agreement import agree
from centre_process import ServedCentre
from gate_process import ROOT
from queueing_gate import JPEG, QueueingGate

from attendance.domain.scan import Direction
from attendance.kiosk.sync.exchange import CentreError

KILLED_FOR_S = 600.0
_SENT_WITHIN_S = 600.0
STUDENTS = [f"2026-{number:03}" for number in range(1, 21)]
TOOLS = ("unshare", "ip", "nft")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not all(map(shutil.which, TOOLS)), reason=f"needs root and {', '.join(TOOLS)}")
def test_three_packets_of_ten_are_lost(tmp_path: Path) -> None:
    """In both directions, on every connection: register and ledgers agree in the end, pictures too."""
    script = Path(__file__).with_name("lossy_journey.py")
    done = subprocess.run(
        ["unshare", "--net", sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests")))},
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lost = re.search(r"counter packets (\d+)", done.stdout)
    assert lost is not None
    assert int(lost[1]) > 10


@pytest.mark.slow
def test_a_centre_that_is_killed_for_ten_minutes(tmp_path: Path) -> None:
    """All its processes at once, at any moment, while three gates go on recording and sending."""
    (tmp_path / "centre").mkdir()
    centre = ServedCentre(tmp_path / "centre")
    gates = [QueueingGate(tmp_path / name, name, datetime.now(UTC)) for name in ("east", "north", "west")]
    centre.start()
    _until_enrolled(centre, gates)
    over = threading.Event()
    working = [threading.Thread(target=_live, args=(gate, over)) for gate in gates]
    for each in working:
        each.start()
    kills, chance, ends = 0, random.Random(1), time.monotonic() + KILLED_FOR_S
    while time.monotonic() < ends:
        over.wait(chance.uniform(0.5, 12))
        centre.kill()
        centre.start()
        kills += 1
    over.set()
    for each in working:
        each.join(60)
    for gate in gates:
        _until_sent(gate)
        gate.end()
    agree(centre, gates)
    print(f"{kills} kills, {len(centre.register())} scans, {len(centre.photos())} pictures")
    centre.close()


def _until_enrolled(centre: ServedCentre, gates: list[QueueingGate]) -> None:
    for gate in gates:
        code = centre.invite(gate.device_id)
        deadline = time.monotonic() + 60
        while True:
            try:
                gate.enrol(centre.url, code)
                break
            except CentreError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        gate.know(*STUDENTS)


def _live(gate: QueueingGate, over: threading.Event) -> None:
    """A student now and then, one of five with a picture, and the couriers' steps in between."""
    number = 0
    while not over.wait(0.1):
        number += 1
        if number % 3 == 0:
            photo = JPEG * 2000 + f"{gate.device_id} {number}".encode() if number % 5 == 0 else None
            gate.scan(STUDENTS[number % len(STUDENTS)], (Direction.IN, Direction.OUT)[number % 2], photo=photo)
        gate.try_to_send()


def _until_sent(gate: QueueingGate) -> None:
    deadline = time.monotonic() + _SENT_WITHIN_S
    while any(gate.waiting()):
        assert time.monotonic() < deadline, gate.waiting()
        gate.try_to_send()
        time.sleep(0.05)
