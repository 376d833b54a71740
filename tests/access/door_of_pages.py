"""A door for tests: real rules over stores in memory, and an application with one page behind it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from argon2 import PasswordHasher
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from attendance.access.door import Door
from attendance.access.identity import Account, Role
from attendance.access.passwords import Passwords
from attendance.access.sessions import Sessions
from attendance.access.stores import Guesses, Session
from attendance.access.throttle import Throttle
from attendance.access.web.door_pages import DoorPages, door_blueprint
from attendance.access.web.guard import account, protect
from attendance.access.web.headers import secure_all
from attendance.clock import ManualClock

START = datetime(2026, 6, 9, 0, 0, tzinfo=UTC)
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Argon2 as it is, with hardly any work: tests are no place to be slow on purpose."""
PASSWORD = "four words of mine"


class MemoryGuesses:
    def __init__(self) -> None:
        self.kept: dict[str, Guesses] = {}

    def guesses(self, key: str) -> Guesses | None:
        return self.kept.get(key)

    def replace(self, key: str, old: Guesses | None, new: Guesses | None) -> bool:
        if self.kept.get(key) != old:
            return False
        if new is None:
            self.kept.pop(key, None)
        else:
            self.kept[key] = new
        return True


class MemorySessions:
    def __init__(self) -> None:
        self.kept: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        self.kept[session.id_hash] = session

    def find(self, id_hash: str) -> Session | None:
        return self.kept.get(id_hash)

    def touch(self, id_hash: str, seen_at: datetime) -> None:
        self.kept[id_hash] = replace(self.kept[id_hash], seen_at=seen_at)

    def remove(self, id_hash: str) -> None:
        self.kept.pop(id_hash, None)

    def remove_of(self, user_id: str) -> None:
        self.kept = {key: each for key, each in self.kept.items() if each.user_id != user_id}

    def remove_older(self, created_before: datetime, seen_before: datetime) -> None:
        self.kept = {
            key: each
            for key, each in self.kept.items()
            if each.created_at >= created_before and each.seen_at >= seen_before
        }


class MemoryAccounts:
    def __init__(self, *accounts: Account) -> None:
        self.kept = {each.user_id: each for each in accounts}

    def by_login(self, login: str) -> Account | None:
        return next((each for each in self.kept.values() if each.login == login), None)

    def by_id(self, user_id: str) -> Account | None:
        return self.kept.get(user_id)

    def set_password(self, user_id: str, password_hash: str, *, must_change: bool) -> None:
        self.kept[user_id] = replace(self.kept[user_id], password_hash=password_hash, must_change=must_change)


@dataclass
class Doorstep:
    """Everything around a door. ``person`` has the password ``PASSWORD``."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    guesses: MemoryGuesses = field(default_factory=MemoryGuesses)
    session_store: MemorySessions = field(default_factory=MemorySessions)
    passwords: Passwords = field(default_factory=lambda: Passwords(CHEAP))
    log: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.person = Account("u1", "maria", "Maria", self.passwords.hash(PASSWORD), roles={"north": Role.OFFICE})
        self.accounts = MemoryAccounts(self.person)
        self.sessions = Sessions(self.session_store, self.clock)
        self.throttle = Throttle(self.guesses, self.clock)
        self.door = Door(self.accounts, self.sessions, self.throttle, self.passwords, self)

    def record(self, action: str, account: Account, address: str) -> None:
        self.log.append((action, account.login))

    def app(self) -> Flask:
        app = Flask(__name__)
        pages = DoorPages(self.door, lambda asked: asked.remote_addr or "", "Pages of a test", "/")
        behind = Blueprint("behind", __name__)
        protect(behind, self.door)

        @behind.get("/")
        def home() -> str:
            return f"Good morning, {account().name}"

        @behind.post("/ring")
        def ring() -> str:
            return "It rings"

        app.register_blueprint(door_blueprint(pages))
        app.register_blueprint(behind)
        secure_all(app)
        return app


def hidden(page: str, name: str = "form_token") -> str:
    """The value of a hidden field."""
    return page.split(f'name="{name}" value="')[1].split('"')[0]


def log_in(client: FlaskClient, login: str = "maria", password: str = PASSWORD, **more: str) -> object:
    page = client.get("/login").get_data(as_text=True)
    form = {"login": login, "password": password, "form_token": hidden(page), **more}
    return client.post("/login", data=form)


def answers(door: Door, *passwords: str, login: str = "maria", address: str = "192.0.2.7") -> Iterator[bool]:
    """Whether each password opened the door."""
    return (bool(door.enter(login, each, address).token) for each in passwords)
