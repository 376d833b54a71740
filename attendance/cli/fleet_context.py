"""What every verb of ``attendance fleet`` needs: the centre's database, what time it is, and who is at the keyboard."""

import argparse
import getpass
import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attendance.cli.context import add_options

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from attendance.fleet.plan import CentrePlan
    from attendance.fleet.store.gates import Gate
    from attendance.fleet.store.schools import School

DATABASE_VARIABLE = "ATTENDANCE_CENTRE_DATABASE"
"""Where a URL with a password belongs: others can read a command line."""
_PARTS = ("sqlalchemy", "alembic", "argon2", "gunicorn", "uuid6")


@dataclass(frozen=True, slots=True)
class Office:
    """An open centre.

    Attributes:
        actor: who is at the keyboard, for the audit.
    """

    engine: "Engine"
    now: datetime
    actor: str

    def note(
        self, conn: "Connection", school: "School | None", action: str, subject: str, told: Mapping[str, Any]
    ) -> None:
        """Keep who did what, without personal data; ``None``: it concerns the centre as a whole."""
        from attendance.fleet.store import audit

        audit.note(conn, school.school_id if school else None, self.actor, action, subject, told, self.now)

    @contextmanager
    def reading(self) -> Iterator["Connection"]:
        from attendance.fleet.store.engine import reading

        with reading(self.engine) as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator["Connection"]:
        from attendance.fleet.store.engine import transaction

        with transaction(self.engine) as conn:
            yield conn


def add_fleet_verb(
    parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int], *, school: bool = False
) -> None:
    """Complete the parser of a verb.

    Args:
        school: it is about one school.
    """
    if school:
        parser.add_argument("--school", metavar="NAME", help="needed when the centre has several")
    parser.add_argument(
        "--db",
        metavar="URL",
        help=f"postgresql://… or sqlite:///…; default: ${DATABASE_VARIABLE}, else centre.db in the centre's folder",
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="photos and logs; default: fleet in the data directory"
    )
    add_options(parser)

    def run_with_parts(args: argparse.Namespace) -> int:
        require_parts()
        return run(args)

    parser.set_defaults(run=run_with_parts)


def require_parts() -> None:
    """
    Raises:
        AttendanceError: what only a centre needs is not installed.
    """
    from attendance.errors import AttendanceError

    for name in _PARTS:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise AttendanceError(
                f"A centre needs more than a gate, and {name} is missing: pip install -r requirements-fleet.txt"
            ) from error


def plan_of(args: argparse.Namespace) -> "CentrePlan":
    """Where the centre that the command line means lies.

    Raises:
        StorageError: this is root, and the data is another user's.
    """
    from attendance.config import locate
    from attendance.fleet.plan import CentrePlan
    from attendance.kiosk.ownership import refuse_root

    paths = locate(args.config, args.data_dir)
    refuse_root(paths.data_dir)
    folder = args.folder.absolute() if args.folder else paths.data_dir / "fleet"
    database = args.db or os.environ.get(DATABASE_VARIABLE) or f"sqlite:///{folder / 'centre.db'}"
    token_file = getattr(args, "monitor_token_file", None)
    token = secret_from(token_file) if token_file else ""
    return CentrePlan(database, folder, tuple(getattr(args, "trusted_proxy", ())), token)


@contextmanager
def open_office(args: argparse.Namespace) -> Iterator[Office]:
    """The centre, its database made or brought up to date if it is not."""
    from attendance.clock import SystemClock
    from attendance.fleet.app import prepare
    from attendance.fleet.store.engine import open_engine

    plan = plan_of(args)
    prepare(plan)
    engine = open_engine(plan.database, connections=1)
    try:
        yield Office(engine, SystemClock().now().at, f"command line: {getpass.getuser()}")
    finally:
        engine.dispose()


def school_of(conn: "Connection", args: argparse.Namespace) -> "School":
    """The school that ``--school`` names, or the only one.

    Raises:
        BadInput: there is none, or several.
    """
    from attendance.errors import BadInput
    from attendance.fleet.store import schools

    known = schools.every(conn)
    names = ", ".join(repr(each.name) for each in known) or "none"
    if args.school:
        found = schools.find(conn, args.school)
        if found is None:
            raise BadInput(f"There is no school {args.school!r}; there are: {names}.")
        return found
    if len(known) != 1:
        raise BadInput(f"Say with --school which one is meant; there are: {names}. `attendance fleet school add` adds.")
    return known[0]


def gate_of(conn: "Connection", school: "School", named: str, *, revoked: bool = False) -> "Gate":
    """The school's gate of that name, device name or id; live ones first.

    Args:
        revoked: revoked ones too.

    Raises:
        BadInput: there is none.
    """
    from attendance.errors import BadInput
    from attendance.fleet.store import gates

    known = sorted(gates.of_school(conn, school.school_id, revoked=revoked), key=lambda gate: not gate.live)
    for gate in known:
        if named in (gate.name, gate.device_id, gate.gate_id):
            return gate
    names = ", ".join(repr(gate.name) for gate in known) or "none"
    raise BadInput(f"{school.name} has no gate {named!r}; there are: {names}.")


def secret_from(file: Path) -> str:
    """The first line of a file, without the end of the line.

    Raises:
        BadInput: it cannot be read.
    """
    from attendance.errors import BadInput

    try:
        return (file.read_text().splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(file)!r} cannot be read ({error}).") from error
