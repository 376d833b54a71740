"""A vision process that leaks with every card. Run by test_recycling.py: ``python leaking_vision.py FD FOLDER COUNT``.

In front of it stand COUNT students, one after the other; who is next is kept in a file, as people stay when a process
is replaced. Each shows the card until the gate has answered, and the photo follows. After every third nobody comes for
a moment.
"""

import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from attendance.clock import boot_ns
from attendance.vision.messages import Beat, Portrait, Sighting, Stop, Verdict, decode, encode

LEAK_BYTES = 10_000_000


def main(fd: int, folder: Path, count: int) -> None:
    pipe = Connection(fd)
    leaked = []
    turn = 0
    while True:
        turn += 1
        pipe.send_bytes(encode(Beat(turn)))
        served = int((folder / "served").read_text())
        if served < count:
            leaked.append(b"x" * LEAK_BYTES)
            now = boot_ns()
            sighting = Sighting(f"{now}", now, None, now, (), str(served).encode())
            pipe.send_bytes(encode(sighting))
            verdict = decode(pipe.recv_bytes())
            if isinstance(verdict, Stop):
                return
            assert isinstance(verdict, Verdict)
            (folder / "served").write_text(str(served + 1))
            if verdict.photo:
                time.sleep(0.05)
                pipe.send_bytes(encode(Portrait(sighting.sighting_id, True, "", 90.0, now, (), b"jpeg")))
        time.sleep(0.7 if served % 3 == 2 else 0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
