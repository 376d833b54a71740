"""``attendance fleet serve``: the centre itself."""

import argparse
import logging
import os
from pathlib import Path

from attendance.cli.fleet_context import add_fleet_verb, plan_of

_PORT = 8600
_MOST_WORKERS = 8
_WORKERS_ON_SQLITE = 2
"""SQLite has one writer at a time; a second process answers those who read."""

log = logging.getLogger(__name__)


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("serve", help="serve the centre; the database is made or brought up to date first")
    verb.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for all networks; default: this machine only")
    verb.add_argument("--port", type=int, default=_PORT, help=f"default {_PORT}; 0 takes a free one")
    verb.add_argument("--workers", type=int, metavar="N", help="processes; default: by the database and the machine")
    verb.add_argument("--tls-cert", type=Path, metavar="FILE", help="PEM: serve HTTPS without a proxy")
    verb.add_argument("--tls-key", type=Path, metavar="FILE")
    verb.add_argument(
        "--trusted-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="whose X-Forwarded-For and -Proto are believed; may be given several times",
    )
    verb.add_argument(
        "--monitor-token-file", type=Path, metavar="FILE", help="a secret with which Prometheus reads /metrics"
    )
    add_fleet_verb(verb, _serve)


def _serve(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.fleet.app import prepare
    from attendance.fleet.server import CentreServer, Serving
    from attendance.ops import tls
    from attendance.ops.logs import log_to
    from attendance.ops.webserver import bind

    if (args.tls_cert is None) != (args.tls_key is None):
        raise BadInput("HTTPS needs both --tls-cert and --tls-key.")
    if args.tls_cert:
        tls.server_context(args.tls_cert, args.tls_key)
    plan = plan_of(args)
    workers = args.workers or _usual_workers(plan.database)
    if workers < 1:
        raise BadInput(f"--workers {workers}: at least one process must serve.")
    log_to(None, _log_level())
    logging.getLogger("alembic").setLevel(logging.WARNING)
    prepare(plan)
    listener = bind("the centre", args.host, args.port)
    scheme, port = "https" if args.tls_cert else "http", listener.getsockname()[1]
    log.info("the centre listens at %s://%s:%d with %d processes", scheme, args.host, port, workers)
    CentreServer(plan, Serving(listener, workers, args.tls_cert, args.tls_key)).run()
    return 0


def _log_level() -> str:
    from attendance.errors import BadInput

    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        raise BadInput(f"LOG_LEVEL {level!r} is none; set it to INFO, or to WARNING for less.")
    return level


def _usual_workers(database: str) -> int:
    if database.startswith("sqlite"):
        return _WORKERS_ON_SQLITE
    return min(_MOST_WORKERS, os.cpu_count() or 1)
