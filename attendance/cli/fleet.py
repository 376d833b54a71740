"""``attendance fleet``: the centre, which sees all gates."""

import argparse
import importlib

from attendance.cli import fleet_demo

_PARTS = ("serve", "schools", "people", "gates", "students", "rules", "records", "export", "alerts", "retention")
"""Each file ``fleet_<part>.py`` adds its verbs."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("fleet", help="the centre: serve it, invite gates, see their records")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for part in _PARTS:
        importlib.import_module(f"attendance.cli.fleet_{part}").add_verbs(verbs)
    fleet_demo.add_demo(verbs)
