"""``attendance selftest``: whether what keeps a gate alive works on this machine, shown by doing it.

Everything happens in temporary directories and on free ports, so that it can run beside a gate.
"""

import argparse
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from attendance.cli.checks import CHECKS, Check, Failed
from attendance.errors import AttendanceError, BadInput

_WIDTH = 60
_DOTS = 40


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("selftest", help="try what keeps a gate alive, in a temporary directory")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="only these, by the names they are listed under")
    parser.add_argument("--debug", action="store_true", help="show where an unexpected error came from")
    parser.set_defaults(run=_selftest)


def _selftest(args: argparse.Namespace) -> int:
    line = "=" * _WIDTH
    if not args.debug:
        logging.getLogger("attendance").addHandler(logging.NullHandler())  # what the checks provoke is no news
    print(f"{line}\nPhase 3 Robustness Test Suite\n{line}")
    verdicts, chosen = [], _chosen(args.checks)
    for name, check in chosen.items():
        try:
            with tempfile.TemporaryDirectory(prefix="attendance-selftest-") as folder:
                fault = _fault(check, Path(folder), args.debug)
        except KeyboardInterrupt:
            break
        verdicts.append(not fault)
        shown = f"❌ FAIL ({fault})" if fault else "✅ PASS"
        print(f"{name}{'.' * (_DOTS - len(name))} {shown}", flush=True)
    passed, skipped = sum(verdicts), len(chosen) - len(verdicts)
    print(f"{line}\nSummary: {passed} passed, {len(verdicts) - passed} failed, {skipped} skipped\n{line}")
    print("✅ All tests passed!" if passed == len(chosen) else "❌ Not all tests passed.")
    return 0 if passed == len(chosen) else 1


def _chosen(names: Sequence[str]) -> dict[str, Check]:
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise BadInput(f"There is no check {unknown[0]!r}; there are {', '.join(map(repr, CHECKS))}.")
    return {name: check for name, check in CHECKS.items() if not names or name in names}


def _fault(check: Check, folder: Path, debug: bool) -> str:
    """What does not work; empty when all does."""
    try:
        check(folder)
    except Failed as failed:
        return str(failed)
    except (
        AttendanceError,
        ArithmeticError,
        AttributeError,
        ImportError,
        LookupError,
        OSError,
        TypeError,
        ValueError,
    ) as error:
        if debug:
            raise
        return f"{type(error).__name__}: {error}"
    return ""
