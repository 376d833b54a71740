"""Half-open connections held against a server, from a process of its own.

    python -m robust.crowd PORT COUNT

opens ``COUNT`` connections that each send half a request, says ``"held"``, and opens every one anew that the server
closes, until it is killed. A line on its input is answered with what happened so far.
"""

import json
import select
import socket
import sys
import time
from contextlib import suppress

_HALF = b"GET /ping HTTP/1.1\r\nHost: local"
_AGAIN_A_SECOND = 500
"""Connections opened anew: each is closed by the server within a second, and comes back."""
_ROUND_S = 0.01


class Crowd:
    """The connections, and how often they were closed."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._poll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._wanted = count
        self.closed = 0
        self.refused = 0

    def fill(self, most: int) -> None:
        for _ in range(min(most, self._wanted - len(self._open))):
            try:
                made = socket.create_connection(("127.0.0.1", self._port), 0.05)
            except OSError:
                self.refused += 1
                return
            with suppress(OSError):
                made.sendall(_HALF)
            made.setblocking(False)
            self._open[made.fileno()] = made
            self._poll.register(made, select.EPOLLIN | select.EPOLLRDHUP)

    def drop_closed(self, timeout_s: float) -> bool:
        """Whether there is a line on the standard input."""
        asked = False
        for number, _ in self._poll.poll(timeout_s):
            if number == sys.stdin.fileno():
                asked = True
                continue
            self._poll.unregister(number)
            self._open.pop(number).close()
            self.closed += 1
        return asked

    def serve(self) -> None:
        self.fill(self._wanted)
        print(json.dumps("held"), flush=True)
        self._poll.register(sys.stdin, select.EPOLLIN)
        begun, again = time.monotonic(), 0
        while True:
            if self.drop_closed(_ROUND_S):
                if not sys.stdin.readline():
                    return
                said = {"open": len(self._open), "closed_by_server": self.closed, "refused": self.refused}
                print(json.dumps(said), flush=True)
            due = int((time.monotonic() - begun) * _AGAIN_A_SECOND) - again
            self.fill(due)
            again += due


if __name__ == "__main__":
    Crowd(int(sys.argv[1]), int(sys.argv[2])).serve()
