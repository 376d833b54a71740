"""Gates and a centre in a network of their own that loses three packets of ten.

    unshare --net python lossy_journey.py FOLDER

ends well if the centre has in the end what the gates have.
"""

import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from agreement import agree
from centre_process import CentreOnAPort
from queueing_gate import JPEG, QueueingGate

_STUDENTS = [f"2026-{number:03}" for number in range(1, 9)]
_LOSS = """
add table inet bad
add chain inet bad lost { type filter hook input priority 0; }
add rule inet bad lost meta l4proto tcp numgen random mod 100 < 30 counter drop
"""
_TIMEOUT_S = 10.0


def main(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (folder / "centre").mkdir()
    centre = CentreOnAPort(folder / "centre")
    gates = [QueueingGate(folder / name, name, datetime.now(UTC), timeout_s=_TIMEOUT_S) for name in ("east", "west")]
    centre.start()
    for gate in gates:
        gate.enrol(centre.url, centre.invite(gate.device_id))
        gate.know(*_STUDENTS)
    subprocess.run(["nft", "-f", "-"], input=_LOSS, text=True, check=True)
    for number, student in enumerate(_STUDENTS):
        gates[number % 2].scan(student, photo=JPEG * 200 + student.encode() if number < 2 else None)
        gates[number % 2].try_to_send()
    for gate in gates:
        gate.send_all()
        gate.end()
    agree(centre, gates)
    centre.close()
    print(subprocess.run(["nft", "list", "table", "inet", "bad"], capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main(Path(sys.argv[1]))
