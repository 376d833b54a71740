"""A message goes to the first gateway that works, to the next only on proof, and stays with one that may have it."""

import logging
import socket
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import Asked, Wire, answer

from attendance.clock import ManualClock
from attendance.kiosk.sms.breaker import FAILURES, FIRST_PAUSE_S
from attendance.kiosk.sms.gateway import GatewayError, Outgoing
from attendance.kiosk.sms.gateway_watch import IDLE_S, GatewayWatch
from attendance.kiosk.sms.http_gateway import HttpGateway
from attendance.kiosk.sms.routes import Routes, Taken
from attendance.kiosk.sms.sms_gate import SmsGate

ID = "01a20b72-8d20-7296-8b78-f8bc5b5638f6"
PENDING = {"id": ID, "state": "Pending"}
MESSAGE = Outgoing(ID, "+639171234567", "Ana has arrived.", priority=0, valid_for_s=60)
TAKES = answer(202, PENDING)
NOT_TAKEN = answer(503, {"message": "Queue limits exceeded"})
NOBODY_KNOWS = answer(500, {"message": "Internal"})
REFUSED = answer(413, {"message": "too long"})
NEVER_HAD_IT = answer(404)


def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 1, tzinfo=UTC))


def phone(name: str, url: str) -> SmsGate:
    return SmsGate(name, url, "user", "password", timeout_s=3)


def routes(first: Wire, second: Wire, time: ManualClock | None = None) -> Routes:
    return Routes([phone("first", first.url), phone("second", second.url)], time or clock())


def other(wire: Wire, *, may_repeat: bool) -> Routes:
    gateway = HttpGateway("http_gateway", wire.url + "/{phone}/{text}", may_repeat=may_repeat, timeout_s=3)
    return Routes([gateway], clock())


def refused(routes: Routes, committed_to: str = "") -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        routes.send(MESSAGE, committed_to)
    return caught.value


def dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_the_first_that_works_gets_it() -> None:
    """The second is not even asked."""
    with Wire(TAKES) as first, Wire(TAKES) as second:
        assert routes(first, second).send(MESSAGE) == Taken("first", "Pending")
    assert second.asked == []


@pytest.mark.parametrize("reply", [NOT_TAKEN, answer(401), answer(429, Retry_After="9"), answer(404, b"<html>")])
def test_the_next_gets_it_when_the_first_provably_did_not(reply: bytes) -> None:
    """503 of its own, refused credentials, too many, a wrong address."""
    with Wire(reply) as first, Wire(TAKES) as second:
        assert routes(first, second).send(MESSAGE) == Taken("second", "Pending")


def test_the_next_gets_it_when_the_first_is_not_there() -> None:
    """A refused connection is proof."""
    with Wire(TAKES) as second:
        gateways = [phone("first", f"http://127.0.0.1:{dead_port()}"), phone("second", second.url)]
        assert Routes(gateways, clock()).send(MESSAGE).gateway_name == "second"


@pytest.mark.parametrize("reply", [NOBODY_KNOWS, b"", answer(200, b"<html>"), answer(302)])
def test_an_ambiguous_answer_keeps_the_message(reply: bytes) -> None:
    """The first may have it: the second never gets it, now or later."""
    with Wire(reply, NEVER_HAD_IT, TAKES) as first, Wire(TAKES) as second:
        gateways = routes(first, second)
        error = refused(gateways)
        assert (error.maybe_taken, error.permanent, error.gateway) == (True, False, "first")
        assert gateways.send(MESSAGE, committed_to=error.gateway) == Taken("first", "Pending")
    assert second.asked == []


def test_a_committed_message_is_asked_for_before_it_is_given_again() -> None:
    """If the gateway has it, it is not sent again: older phones answer a repeat with 500, for ever."""
    with Wire(answer(200, {**PENDING, "state": "Sent"})) as first, Wire() as second:
        assert routes(first, second).send(MESSAGE, committed_to="first") == Taken("first", "Sent")
    assert [asked.method for asked in first.asked] == ["GET"]


@pytest.mark.parametrize("replies", [[NOT_TAKEN], [NEVER_HAD_IT, NOT_TAKEN], [NEVER_HAD_IT, answer(401)], [b""]])
def test_once_committed_always_committed(replies: Sequence[bytes]) -> None:
    """A refusal of the second attempt proves nothing about the first."""
    with Wire(*replies) as first, Wire(TAKES) as second:
        error = refused(routes(first, second), committed_to="first")
    assert (error.maybe_taken, error.permanent, error.gateway) == (True, False, "first")
    assert second.asked == []


def test_a_refused_message_is_not_tried_elsewhere() -> None:
    """What is wrong with a message is wrong everywhere."""
    with Wire(REFUSED) as first, Wire(TAKES) as second:
        error = refused(routes(first, second))
    assert (error.permanent, error.maybe_taken, error.gateway) == (True, False, "first")
    assert second.asked == []


def test_nobody_took_it() -> None:
    """Both provably did not: it is free, and the error tells of a gateway."""
    with Wire(NOT_TAKEN) as first, Wire(answer(401)) as second:
        error = refused(routes(first, second))
    assert (error.permanent, error.maybe_taken, error.gateway) == (False, False, "second")


def test_whoever_is_tried_is_noted_before_the_request() -> None:
    """After a crash in the middle of a request it must be known who may have the message."""
    noted: list[tuple[str, int, int]] = []
    with Wire(NOT_TAKEN) as first, Wire(TAKES) as second:
        routes(first, second).send(
            MESSAGE, trying=lambda name: noted.append((name, len(first.asked), len(second.asked)))
        )
    assert noted == [("first", 0, 0), ("second", 1, 0)]


def test_a_gateway_that_fails_is_left_alone_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Its breaker opens; the others are used; after the pause it gets one trial, and is back."""
    caplog.set_level(logging.INFO)
    time = clock()
    with Wire(*[NOT_TAKEN] * FAILURES, TAKES) as first, Wire(TAKES) as second:
        gateways = routes(first, second, time)
        for _ in range(FAILURES + 2):
            assert gateways.send(MESSAGE).gateway_name == "second"
        assert len(first.asked) == FAILURES
        assert gateways.first == "second"
        time.advance(FIRST_PAUSE_S)
        assert gateways.first == "first"
        assert gateways.send(MESSAGE).gateway_name == "first"
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "SMS gateway first is left alone for 30 s",
        "SMS gateway first works again",
    ]


def test_while_all_are_left_alone_nothing_is_requested() -> None:
    """The error says when it is worth a try, and names no gateway: no attempt was made."""
    time = clock()
    with Wire(answer(429, Retry_After="60")) as first, Wire(answer(429, Retry_After="90")) as second:
        gateways = routes(first, second, time)
        refused(gateways)
        error = refused(gateways)
        assert (error.gateway, error.maybe_taken, error.retry_after_s) == ("", False, 60.0)
        assert (gateways.rest_s(), gateways.rest_s("second"), gateways.first) == (60.0, 90.0, "")
        assert (len(first.asked), len(second.asked)) == (1, 1)


def test_a_committed_message_waits_for_its_gateway() -> None:
    """While that one is left alone nobody else gets it, and the error says how long."""
    with Wire(answer(429, Retry_After="60")) as first, Wire(TAKES) as second:
        gateways = routes(first, second)
        gateways.send(MESSAGE)
        error = refused(gateways, committed_to="first")
    assert (error.maybe_taken, error.retry_after_s, error.gateway) == (True, 60.0, "first")
    assert len(first.asked) == len(second.asked) == 1


def test_a_message_that_is_refused_is_no_failure_of_the_gateway() -> None:
    """A list of bad numbers does not shut the phone out."""
    with Wire(REFUSED) as first, Wire(TAKES) as second:
        gateways = routes(first, second)
        for _ in range(FAILURES + 1):
            refused(gateways)
        assert gateways.problems == []
    assert len(first.asked) == FAILURES + 1


def test_a_gateway_that_is_gone_from_the_configuration_keeps_its_messages() -> None:
    """It may be back tomorrow; the message is given to nobody else."""
    with Wire(TAKES) as first, Wire(TAKES) as second:
        error = refused(routes(first, second), committed_to="third")
    assert (error.maybe_taken, error.permanent, error.gateway) == (True, False, "third")
    assert first.asked == second.asked == []


def test_without_gateways_nothing_is_taken() -> None:
    """Messages on, and no phone: they wait, and expire with their reason."""
    empty = Routes([], clock())
    error = refused(empty)
    assert (error.permanent, error.maybe_taken, error.gateway) == (False, False, "")
    assert (empty.rest_s(), empty.first, empty.longest_s) == (0, "", 0)


@pytest.mark.parametrize(("may_repeat", "permanent"), [(False, True), (True, False)])
def test_a_provider_that_recognises_no_repeat_ends_unknown(may_repeat: bool, permanent: bool) -> None:
    """Unless a person decided that a second message is better than none."""
    with Wire(NOBODY_KNOWS) as wire:
        error = refused(other(wire, may_repeat=may_repeat))
    assert (error.permanent, error.maybe_taken) == (permanent, True)


@pytest.mark.parametrize(("may_repeat", "requests"), [(False, 0), (True, 1)])
def test_after_a_crash_such_a_provider_is_not_given_it_again(may_repeat: bool, requests: int) -> None:
    """The request may have been on its way when the power went."""
    with Wire(NOBODY_KNOWS) as wire:
        error = refused(other(wire, may_repeat=may_repeat), committed_to="http_gateway")
    assert (error.permanent, error.maybe_taken) == (not may_repeat, True)
    assert len(wire.asked) == requests


def test_asking_goes_to_the_gateway_that_has_it() -> None:
    """Its reports come back; one that cannot be asked knows nothing, and is not called to say so."""
    with Wire(TAKES) as first, Wire(answer(200, {**PENDING, "state": "Delivered"})) as second:
        (report,) = routes(first, second).ask("second", ID)
    assert report.state == "Delivered"
    assert first.asked == []
    with Wire(TAKES) as wire:
        assert list(other(wire, may_repeat=False).ask("http_gateway", ID)) == []
    assert wire.asked == []


@pytest.mark.parametrize("name", ["third", ""])
def test_asking_nobody_is_an_error(name: str) -> None:
    """The gateway was taken out of the configuration."""
    with pytest.raises(GatewayError):
        Routes([], clock()).ask(name, ID)


@pytest.mark.parametrize(
    ("reply", "attempts", "code"),
    [
        (answer(401), 1, "sms-gateway-credentials"),
        (b"", FAILURES, "sms-gateway-unreachable"),
        (answer(200, b"<html>"), FAILURES, "sms-gateway-answers"),
        (answer(503, b"", Retry_After="60"), 1, "sms-gateway-busy"),
    ],
)
def test_what_is_wrong_is_a_problem(reply: bytes, attempts: int, code: str) -> None:
    """Health says which gateway, why, and what to do; a single failure that may pass is none."""
    with Wire(reply) as wire:
        gateways = Routes([phone("backup_phone", wire.url)], clock())
        for attempt in range(attempts):
            assert gateways.problems == [], attempt
            refused(gateways)
        (problem,) = gateways.problems
    assert problem.code == code
    assert "backup_phone" in problem.text
    assert "{" not in problem.text + problem.remedy


def test_a_problem_ends_with_a_success() -> None:
    """The check of a person closes the breaker too."""
    with Wire(answer(401), answer(200, [{"id": "a"}])) as wire:
        gateways = Routes([phone("sms_gate", wire.url)], clock())
        refused(gateways)
        ((name, _, works),) = gateways.check()
        assert (name, works, gateways.problems, gateways.rest_s()) == ("sms_gate", True, [], 0)


def test_a_gateway_that_answers_questions_only_is_left_alone_all_the_same() -> None:
    """It fails whenever it is given a message, and tells of earlier ones all the time: new messages go elsewhere."""
    about = answer(200, {**PENDING, "state": "Sent"})
    with Wire(*[about, NOBODY_KNOWS] * FAILURES) as first, Wire(TAKES) as second:
        gateways = routes(first, second)
        for _ in range(FAILURES):
            gateways.ask("first", ID)
            refused(gateways)
        assert gateways.send(MESSAGE).gateway_name == "second"


def test_a_gateway_that_was_away_is_back_with_any_answer() -> None:
    """It could not be reached at all; that it answers a question is news."""
    time = clock()
    port = dead_port()
    gateways = Routes([phone("sms_gate", f"http://127.0.0.1:{port}")], time)
    for _ in range(FAILURES):
        refused(gateways)
    assert gateways.problems != []
    time.advance(FIRST_PAUSE_S)
    with Wire(NEVER_HAD_IT, port=port):
        gateways.ask("sms_gate", ID)
    assert gateways.problems == []


def test_a_gateway_that_is_left_alone_is_not_asked() -> None:
    """Nor is the trial that it gets after the pause spent on a question."""
    time = clock()
    with Wire(answer(429, Retry_After="60"), NEVER_HAD_IT, TAKES) as first, Wire(TAKES) as second:
        gateways = routes(first, second, time)
        gateways.send(MESSAGE)
        with pytest.raises(GatewayError) as caught:
            gateways.ask("first", ID)
        assert (caught.value.retry_after_s, len(first.asked)) == (60.0, 1)
        time.advance(60)
        gateways.ask("first", ID)
        assert gateways.send(MESSAGE).gateway_name == "first"


def test_a_gateway_that_answers_no_questions_gets_messages_all_the_same() -> None:
    """A server may fail when it is asked about messages, and take new ones."""

    def reply(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(TAKES if asked.method == "POST" else NOBODY_KNOWS)

    with Wire(reply) as wire:
        gateways = Routes([phone("sms_gate", wire.url)], clock())
        for _ in range(FAILURES):
            with pytest.raises(GatewayError):
                gateways.ask("sms_gate", ID)
        assert (gateways.rest_s(), gateways.problems) == (0, [])
        assert gateways.send(MESSAGE).gateway_name == "sms_gate"


def test_a_gateway_that_refuses_message_after_message_is_a_problem() -> None:
    """So many wrong numbers one after the other are improbable; the first that is taken ends it."""
    with Wire(*[REFUSED] * 5, TAKES) as wire:
        gateways = Routes([phone("sms_gate", wire.url)], clock())
        for _ in range(5):
            assert gateways.problems == []
            refused(gateways)
        assert [problem.code for problem in gateways.problems] == ["sms-gateway-refuses"]
        gateways.send(MESSAGE)
        assert gateways.problems == []


def test_idle_gateways_are_looked_after() -> None:
    """Without traffic a gateway that is gone becomes a problem; one that is used or left alone is not asked as well."""
    time = clock()
    with Wire(b"") as wire:
        gateways = Routes([phone("sms_gate", wire.url)], time)
        watch = GatewayWatch(gateways)
        for looks in range(1, FAILURES + 1):
            time.advance(IDLE_S)
            watch.step()
            watch.step()
            assert len(wire.asked) == looks
        assert [problem.code for problem in gateways.problems] == ["sms-gateway-unreachable"]
        assert watch.step() > 0
        assert len(wire.asked) == FAILURES


def test_checking_tells_of_every_gateway() -> None:
    """One that is down does not hide the next."""
    with Wire(answer(401)) as first, Wire(answer(200, [{"id": "a"}])) as second:
        assert [(name, works) for name, _, works in routes(first, second).check()] == [
            ("first", False),
            ("second", True),
        ]


class Phone:
    """A phone that takes a message once per id, and then answers as a script says, whether that is true or not."""

    def __init__(self, script: Sequence[str]) -> None:
        self.script = list(script)
        self.screen: list[str] = []

    def __call__(self, asked: Asked, connection: socket.socket) -> None:
        if asked.method == "GET":
            known = asked.path.rsplit("/", 1)[1] in self.screen
            connection.sendall(answer(200, PENDING) if known else NEVER_HAD_IT)
            return
        act = self.script.pop(0) if self.script else "takes"
        if act == "not taken":
            connection.sendall(NOT_TAKEN)
        elif asked.json["id"] in self.screen:
            connection.sendall(answer(409, {"message": "exists"}))
        else:
            if act != "500, not taken":
                self.screen.append(asked.json["id"])
            if act == "takes":
                connection.sendall(TAKES)
            elif act == "takes, says 200 and HTML":
                connection.sendall(answer(200, b"<html>"))
            elif act.startswith("500"):
                connection.sendall(NOBODY_KNOWS)  # and else the connection is closed without a word


ACTS = ["takes", "not taken", "500, not taken", "500, taken", "takes, closes", "takes, says 200 and HTML"]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(ACTS), max_size=6), st.lists(st.sampled_from(ACTS), max_size=6))
def test_whatever_the_phones_do_a_parent_gets_one_message(first: list[str], second: list[str]) -> None:
    """Two phones that take, refuse, lie and break off in any order: sent again until it is taken, it is on one screen
    once."""
    time, phones = clock(), (Phone(first), Phone(second))
    with Wire(phones[0]) as one, Wire(phones[1]) as two:
        gateways = routes(one, two, time)
        committed_to, taken = "", None
        for _ in range(30):
            try:
                taken = gateways.send(MESSAGE, committed_to)
                break
            except GatewayError as error:
                committed_to = error.gateway if error.maybe_taken else ""
                time.advance(gateways.rest_s(committed_to))
    assert taken is not None
    assert phones[0].screen + phones[1].screen == [ID]
