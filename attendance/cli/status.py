"""``attendance status``: how the gate on this machine is."""

import argparse
import json
from typing import Any

from attendance.cli.context import Context, add_options, open_context

_TIMEOUT_S = 5.0


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("status", help="how the gate on this machine is")
    parser.add_argument("--json", action="store_true")
    add_options(parser)
    parser.set_defaults(run=_status)


def _status(args: argparse.Namespace) -> int:
    context = open_context(args)
    health = _ask(context)
    stored = _stored(context)
    if args.json:
        print(
            json.dumps(
                {"running": health is not None, "health": health, "stored": stored}, ensure_ascii=False, indent=2
            )
        )
    else:
        _tell(health, stored)
    return 0 if health is not None and health.get("overall_status") != "unhealthy" else 1


def _ask(context: Context) -> dict[str, Any] | None:
    """What the running gate says of itself; None when none answers."""
    import urllib.error
    import urllib.request

    port = context.settings.health_endpoint.port
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=_TIMEOUT_S) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            found = _json(error.read())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "overall_status" in found else None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _stored(context: Context) -> dict[str, Any] | None:
    """What the database says, whether a gate runs or not; None before the first start."""
    from dataclasses import asdict

    from attendance.kiosk.store import register
    from attendance.kiosk.store.database import reading

    if not context.paths.database.exists():
        return None
    with reading(context.paths.database) as conn:
        return asdict(register.totals(conn, context.clock.now().at.astimezone(context.zone).date()))


def _tell(health: dict[str, Any] | None, stored: dict[str, Any] | None) -> None:
    if health is None:
        print("No gate answers on this machine. Start it with scripts/start_attendance.sh.")
    else:
        print(f"The gate is {health['overall_status']}.")
        for problem in health.get("problems", []):
            print(f"  {problem['severity']}: {problem['text']}\n      {problem['remedy']}")
    if stored is None:
        print("There is no database yet.")
    else:
        print(f"{stored['today_scans']} scans today, {stored['total_records']} in all, {stored['students']} students.")
