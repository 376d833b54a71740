"""Passwords, their hashes and which are refused."""

import unicodedata

import pytest
from argon2 import PasswordHasher
from door_of_pages import CHEAP, PASSWORD, Doorstep

from attendance.access.passwords import LONGEST, Passwords, generate, judge
from attendance.errors import BadInput


def test_only_the_right_password_is_right() -> None:
    """It is itself, with every letter, and no other."""
    passwords = Passwords(CHEAP)
    kept = passwords.hash(PASSWORD)
    assert passwords.right(kept, PASSWORD)
    assert not any(passwords.right(kept, other) for other in ("", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper()))


def test_a_hash_is_argon2id_with_the_recommended_work() -> None:
    """What is kept says so itself: RFC 9106, 64 MiB, three passes."""
    assert Passwords().hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_same_letters_typed_otherwise_are_the_same_password() -> None:
    """An ñ as one character or as two."""
    passwords = Passwords(CHEAP)
    kept = passwords.hash(unicodedata.normalize("NFC", "mañana por la mañana"))
    assert passwords.right(kept, unicodedata.normalize("NFD", "mañana por la mañana"))


@pytest.mark.parametrize("kept", ["", "plain", "$argon2id$broken", "$2b$12$abcdefghijklmnopqrstuv"])
def test_what_is_no_hash_opens_nothing(kept: str) -> None:
    """Neither an account without a password nor a damaged row lets anybody in, or fails."""
    assert not Passwords(CHEAP).right(kept, "")
    assert not Passwords(CHEAP).right(kept, kept)


def test_an_endless_password_is_wrong_without_much_work() -> None:
    """More than the longest is wrong even if it begins rightly."""
    passwords = Passwords(CHEAP)
    kept = passwords.hash("ab" * (LONGEST // 2))
    assert not passwords.right(kept, "ab" * (LONGEST // 2) + "a" * 1_000_000)


def test_old_hashes_are_made_anew_at_the_next_login() -> None:
    """With stronger parameters a right password strengthens what is kept, and still opens."""
    step = Doorstep(passwords=Passwords(PasswordHasher(time_cost=2, memory_cost=128, parallelism=1)))
    weak = CHEAP.hash(PASSWORD)
    step.accounts.set_password("u1", weak, must_change=False)
    assert step.door.enter("maria", PASSWORD, "192.0.2.7").token
    kept = step.accounts.kept["u1"].password_hash
    assert "m=128,t=2" in kept
    assert step.door.enter("maria", PASSWORD, "192.0.2.7").token


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven char", "short"),
        ("x" * (LONGEST + 1), "long"),
        ("abababababababab", "repeats"),
        ("I am Maria of 4B", "login name"),
    ],
)
def test_an_easy_password_is_refused_with_the_reason(password: str, why: str) -> None:
    """Short, endless, repeating, or with the login name in it."""
    with pytest.raises(BadInput, match=why):
        judge(password, "maria")


def test_a_generated_password_is_good_enough() -> None:
    """What the command line gives for a first login passes the rules, and is never the same."""
    judge(generate(), "maria")
    assert generate() != generate()
