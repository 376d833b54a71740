"""``attendance config``: is the configuration right, what holds, and what may be set."""

import argparse
import json
import sys
from typing import Any

from attendance.cli.context import add_options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("config", help="check and show the configuration")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for name, run, what in (
        ("check", _check, "find every fault, and the keys that have no effect"),
        ("show", _show, "print each value that holds and where it comes from; secrets are masked"),
    ):
        verb = verbs.add_parser(name, help=what)
        verb.add_argument("--json", action="store_true", help="for programs")
        add_options(verb)
        verb.set_defaults(run=run)
    schema = verbs.add_parser("schema", help="print the JSON schema of a configuration file, for editors")
    add_options(schema)
    schema.set_defaults(run=_schema)


def _check(args: argparse.Namespace) -> int:
    from attendance.config import load, locate
    from attendance.errors import ConfigError
    from attendance.kiosk.sms import plan

    paths = locate(args.config, args.data_dir)
    try:
        loaded = load(paths)
        plan.texts(loaded.settings)
        plan.answers(loaded.settings)
    except ConfigError as error:
        if not args.json:
            raise
        _print_json({"ok": False, "source": str(paths.config_file), "faults": _faults(error)})
        return 2
    source = str(loaded.source) if loaded.source else None
    if args.json:
        _print_json({"ok": True, "source": source, "faults": [], "warnings": list(loaded.warnings)})
        return 0
    for warning in loaded.warnings:
        print(f"  {warning}")
    print(f"{source} is right." if source else f"There is no {paths.config_file}: the defaults hold.")
    return 0


def _faults(error: Exception) -> list[dict[str, str]]:
    from attendance.config import FaultyConfig

    if isinstance(error, FaultyConfig):
        return [{"path": one.path, "value": one.value, "allowed": one.allowed} for one in error.faults]
    return [{"path": "sms_notifications", "value": "", "allowed": str(error)}]


def _show(args: argparse.Namespace) -> int:
    from attendance.config import load, locate, masked
    from attendance.config.catalogue import flat

    loaded = load(locate(args.config, args.data_dir))
    values = masked(loaded.settings)
    if args.json:
        source = str(loaded.source) if loaded.source else None
        _print_json({"source": source, "settings": values, "origins": dict(loaded.origins)})
        return 0
    for path, value in flat(values):
        origin = loaded.origins[path]
        print(f"{path} = {_json(value)}" + ("" if origin == "default" else f"  ({origin})"))
    return 0


def _schema(_args: argparse.Namespace) -> int:
    from attendance.config import Settings

    _print_json(Settings.model_json_schema())
    return 0


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
