"""What every verb needs before it starts: where things lie, what is configured, what time it is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from attendance.clock import Clock
    from attendance.config import Loaded, Paths, Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The installation that a verb works on."""

    loaded: "Loaded"
    paths: "Paths"
    clock: "Clock"

    @property
    def settings(self) -> "Settings":
        return self.loaded.settings

    @property
    def zone(self) -> ZoneInfo:
        """The school's time zone."""
        return ZoneInfo(self.settings.school.timezone)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Names of the configured class sessions, in the order in which they win."""
        return tuple(self.settings.school_schedule.sessions)

    @property
    def card_keys(self) -> Path:
        """The file with the school's signing keys."""
        return self.paths.resolve(self.settings.cards.key)

    def database(self) -> Path:
        """The gate's database, made or brought up to date if it is not."""
        from attendance.kiosk.store.database import create_or_migrate

        create_or_migrate(self.paths.database, self.clock.now())
        return self.paths.database


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every verb takes."""
    parser.add_argument("--config", metavar="FILE", help="configuration (default: config/config.json)")
    parser.add_argument("--data-dir", metavar="DIR", help="where paths that begin with data/ lie (default: data)")
    parser.add_argument("--debug", action="store_true", help="show where an unexpected error came from")


def add_verb(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    """Complete the parser of a verb: the options that every verb takes, and what does the work."""
    add_options(parser)
    parser.set_defaults(run=run)


def day(text: str) -> date:
    """An argument that is a day.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-12-25") from error


def open_context(args: argparse.Namespace) -> Context:
    """The context of a command line that has the options of ``add_options``.

    Raises:
        ConfigError: the configuration has faults; nothing was changed.
        StorageError: this is root, and the data is another user's.
    """
    from attendance.clock import SystemClock
    from attendance.config import load, locate
    from attendance.kiosk.ownership import refuse_root

    paths = locate(args.config, args.data_dir)
    refuse_root(paths.data_dir)
    loaded = load(paths)
    return Context(loaded, paths, SystemClock(loaded.settings.clock.trust_rtc))
