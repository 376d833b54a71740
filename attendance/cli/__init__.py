"""The command line, one file per verb."""

import argparse
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence

from attendance import __version__
from attendance.errors import AttendanceError, ConfigError

VERBS = (
    *("run", "students", "cards", "calendar", "report", "sms", "sync", "fleet", "status", "config", "doctor"),
    *("backup", "alerts", "selftest", "upgrade", "sim", "demo-school"),
)
_FAILED = 1
_WRONG_USE = 2
_INTERRUPTED = 130
_HELP = ("-h", "--help", "--version")

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Args:
        argv: without the program's name; options without a verb are those of ``run``.

    Returns:
        The exit code: 0, 1 when it failed, 2 for a faulty configuration or command line, 130 when interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in _HELP):
        words.insert(0, "run")
    args = None
    try:
        args = _parser(words[0]).parse_args(words)
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except AttendanceError as error:
        print(f"attendance: {error}", file=sys.stderr)
        return _WRONG_USE if isinstance(error, ConfigError) else _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough. Python would complain again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except Exception as error:
        return _unexpected(error, debug=getattr(args, "debug", False))


def _parser(verb: str) -> argparse.ArgumentParser:
    """The parser for one verb; for all of them when ``verb`` is none, so that only help loads every file."""
    parser = argparse.ArgumentParser(
        prog="attendance",
        description="A school gate that knows who passes, keeps the record and tells the parents.",
        epilog="Without a verb the gate runs: `attendance --demo` is `attendance run --demo`.",
    )
    parser.add_argument("--version", action="version", version=f"attendance {__version__}")
    subparsers = parser.add_subparsers(metavar="VERB", required=True)
    for name in (verb,) if verb in VERBS else VERBS:
        module = importlib.import_module(f"attendance.cli.{name.replace('-', '_')}")
        module.add_parser(subparsers)
    return parser


def _unexpected(error: Exception, *, debug: bool) -> int:
    """One line for people; where it came from goes to the log, or to whoever asked for it."""
    print(
        f"attendance: this should not have happened: {type(error).__name__}: {error}. "
        "Run it again with --debug and report what it prints.",
        file=sys.stderr,
    )
    if debug:
        traceback.print_exc()
    elif logging.getLogger().handlers:
        log.error("unexpected error", exc_info=error)
    return _FAILED
