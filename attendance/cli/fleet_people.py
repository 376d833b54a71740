"""``attendance fleet user``: who may log in at the centre."""

import argparse
import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attendance.cli.fleet_context import add_fleet_verb, open_office, school_of, secret_from

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from attendance.access.identity import Account

_ROLES = ("viewer", "office", "admin")


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("user", help="add, list and change people who log in")
    of_user = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    verb = of_user.add_parser("add", help="a new person; without a password one is made, to be changed at first login")
    verb.add_argument("login")
    verb.add_argument("--name", default="")
    verb.add_argument("--role", choices=_ROLES, help="in the school")
    verb.add_argument("--operator", action="store_true", help="may everything in every school")
    _add_password_options(verb)
    add_fleet_verb(verb, _add, school=True)

    verb = of_user.add_parser("list", help="all people, with their roles")
    verb.add_argument("--json", action="store_true")
    add_fleet_verb(verb, _list)

    verb = of_user.add_parser("password", help="set another password; every session of the person ends")
    verb.add_argument("login")
    _add_password_options(verb)
    add_fleet_verb(verb, _password)

    verb = of_user.add_parser("role", help="what a person is in a school")
    verb.add_argument("login")
    verb.add_argument("role", choices=(*_ROLES, "none"))
    add_fleet_verb(verb, _role, school=True)

    verb = of_user.add_parser("disable", help="keep a person out; --again lets them in")
    verb.add_argument("login")
    verb.add_argument("--again", action="store_true")
    add_fleet_verb(verb, _disable)


def _add_password_options(verb: argparse.ArgumentParser) -> None:
    password = verb.add_mutually_exclusive_group()
    password.add_argument("--ask", action="store_true", help="type the password")
    password.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password")


def _add(args: argparse.Namespace) -> int:
    from attendance.access.identity import Role
    from attendance.access.passwords import Passwords
    from attendance.errors import BadInput
    from attendance.fleet.store import users

    if args.operator == bool(args.role):
        raise BadInput("Say what the person is: --role with --school, or --operator.")
    password, made = _chosen(args)
    with open_office(args) as office, office.writing() as conn:
        hashed = Passwords().hash(password)
        account = users.add(conn, args.login, args.name, hashed, office.now, operator=args.operator, must_change=made)
        told = {"login": account.login, "role": args.role or "operator"}
        school = school_of(conn, args) if args.role else None
        if school:
            users.grant(conn, account.user_id, school.school_id, Role(args.role))
        office.note(conn, school, "user-added", account.user_id, told)
    print(f"{account.login} added.{_said(password, made)}")
    return 0


def _list(args: argparse.Namespace) -> int:
    from attendance.fleet.store import schools, users

    with open_office(args) as office, office.reading() as conn:
        names = {school.school_id: school.name for school in schools.every(conn)}
        rows: list[dict[str, Any]] = [
            {
                "login": account.login,
                "name": account.name,
                "operator": account.operator,
                "disabled": account.disabled,
                "roles": {names[school_id]: role.value for school_id, role in account.roles.items()},
            }
            for account in users.every(conn)
        ]
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for row in rows:
        roles = ", ".join(f"{role} at {school}" for school, role in row["roles"].items())
        state = "operator" if row["operator"] else roles or "no role"
        print(f"{row['login']:24}  {state}{'  (disabled)' if row['disabled'] else ''}")
    print(f"{len(rows)} users.")
    return 0


def _password(args: argparse.Namespace) -> int:
    from attendance.access.passwords import Passwords
    from attendance.fleet.store import sessions, users

    password, made = _chosen(args)
    with open_office(args) as office, office.writing() as conn:
        account = _known(conn, args.login)
        users.set_password(conn, account.user_id, Passwords().hash(password), office.now, must_change=made)
        sessions.remove_of(conn, account.user_id)
        office.note(conn, None, "password-set", account.user_id, {"login": account.login})
    print(
        f"The password of {account.login} is set; who was logged in with the old one is not any more."
        f"{_said(password, made)}"
    )
    return 0


def _role(args: argparse.Namespace) -> int:
    from attendance.access.identity import Role
    from attendance.fleet.store import users

    with open_office(args) as office, office.writing() as conn:
        account, school = _known(conn, args.login), school_of(conn, args)
        if args.role == "none":
            users.withdraw(conn, account.user_id, school.school_id)
        else:
            users.grant(conn, account.user_id, school.school_id, Role(args.role))
        told = {"login": account.login, "role": args.role}
        office.note(conn, school, "role-set", account.user_id, told)
    print(f"{account.login} is {'nothing' if args.role == 'none' else args.role} at {school.name}.")
    return 0


def _disable(args: argparse.Namespace) -> int:
    from attendance.fleet.store import sessions, users

    action = "user-enabled" if args.again else "user-disabled"
    with open_office(args) as office, office.writing() as conn:
        account = _known(conn, args.login)
        users.disable(conn, account.user_id, None if args.again else office.now)
        sessions.remove_of(conn, account.user_id)
        office.note(conn, None, action, account.user_id, {"login": account.login})
    print(f"{account.login} may {'log in again' if args.again else 'not log in'}.")
    return 0


def _known(conn: "Connection", login: str) -> "Account":
    from attendance.errors import BadInput
    from attendance.fleet.store import users

    account = users.by_login(conn, login)
    if account is None:
        raise BadInput(f"There is no user {login!r}. `attendance fleet user list` shows who there is.")
    return account


def _chosen(args: argparse.Namespace) -> tuple[str, bool]:
    """The password, and whether it was made here, so that its owner must choose another."""
    from attendance.access.passwords import generate, judge
    from attendance.errors import BadInput

    if not args.ask and not args.password_file:
        return generate(), True
    if args.ask:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise BadInput("The two passwords are not the same. Nothing was changed.")
    else:
        password = secret_from(args.password_file)
    judge(password, args.login)
    return password, False


def _said(password: str, made: bool) -> str:
    return f" The first password is: {password}" if made else ""
