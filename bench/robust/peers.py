"""Servers to compare with, each in a process of its own.

    python -m robust.peers instant|waitress|earlier PORT [DATABASE]

``instant`` answers every request with the same bytes: what is measured of it is the generator of the load itself.
``waitress`` serves ``/ping`` with that server's own settings. ``earlier`` does what the earlier system did: Flask's
development server, a connection and full counts for every look at health, a connection and a commit for every report.
"""

import json
import logging
import selectors
import socket
import sqlite3
import sys
from contextlib import closing
from typing import Any

from flask import Flask, request

_CANNED = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'


def instant(port: int) -> None:
    """Take any bytes for a request; so requests must come whole, as small ones do."""
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    poll = selectors.EpollSelector()
    poll.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in poll.select():
            if key.fileobj is listener:
                poll.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            peer = key.fileobj
            assert isinstance(peer, socket.socket)
            if peer.recv(65536):
                peer.sendall(_CANNED)
            else:
                poll.unregister(peer)
                peer.close()


def ping_only() -> Flask:
    app = Flask("peer")

    @app.get("/ping")
    def ping() -> dict[str, str]:
        return {"status": "ok"}

    return app


def earlier(database: str) -> Flask:
    """Ping, health and webhook, with the database as ``rows.earlier_database`` makes it."""
    app = ping_only()

    @app.get("/health")
    def health() -> dict[str, Any]:
        with closing(sqlite3.connect(database)) as conn:
            counts = [
                conn.execute(sql).fetchone()[0]
                for sql in (
                    "SELECT count(*) FROM sync_queue",
                    "SELECT count(*) FROM attendance",
                    "SELECT count(*) FROM attendance WHERE date(timestamp) = date('now')",
                )
            ]
        return {"overall_status": "healthy", "database": counts}

    @app.post("/sms-webhook")
    def webhook() -> dict[str, bool]:
        told = request.get_json()
        with closing(sqlite3.connect(database, timeout=30)) as conn, conn:
            conn.execute(
                "INSERT INTO sms_delivery_log (message_id, phone_number, status, timestamp) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (message_id) DO UPDATE SET status = excluded.status",
                (told["id"], told["phoneNumber"], told["state"], "2026-06-08T06:40:10"),
            )
        return {"success": True}

    return app


def _main(kind: str, port: int, database: str = "") -> None:
    logging.disable(logging.ERROR)
    if kind == "instant":
        instant(port)
    elif kind == "waitress":
        import waitress

        waitress.serve(ping_only(), host="127.0.0.1", port=port)
    else:
        import flask.cli

        flask.cli.show_server_banner = lambda *args: None
        earlier(database).run("127.0.0.1", port, threaded=True)


if __name__ == "__main__":
    print(json.dumps("starting"), flush=True)
    _main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
