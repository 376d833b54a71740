"""``attendance demo-school``: a list of an invented school, to try things with."""

import argparse
import csv
import sys
from dataclasses import asdict, fields
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("demo-school", help="write a CSV of an invented school")
    parser.add_argument("--count", type=int, default=200, help="how many students (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="another number, another school")
    parser.add_argument("--out", type=Path, default=Path("demo-school.csv"), metavar="FILE", help="- prints it")
    parser.set_defaults(run=_write)


def _write(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.sim.school import LARGEST, Invented, invent

    if not 1 <= args.count <= LARGEST:
        raise BadInput(f"--count {args.count} must lie between 1 and {LARGEST}.")
    rows = [asdict(student) for student in invent(args.count, args.seed)]
    try:
        file = sys.stdout if str(args.out) == "-" else args.out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise BadInput(f"{str(args.out)!r} cannot be written ({error.strerror}).") from error
    try:
        writer = csv.DictWriter(file, [field.name for field in fields(Invented)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    finally:
        if file is not sys.stdout:
            file.close()
    if file is not sys.stdout:
        print(f"{len(rows)} invented students in {args.out}. Take them with: attendance students import {args.out}")
    return 0
