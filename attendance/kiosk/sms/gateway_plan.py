"""From the configuration's values to the gateways, and what is missing in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attendance.clock import Clock
from attendance.errors import BadInput
from attendance.kiosk.sms.gateway import Gateway
from attendance.kiosk.sms.http_gateway import HttpGateway
from attendance.kiosk.sms.routes import Routes
from attendance.kiosk.sms.sms_gate import SmsGate
from attendance.ops.health import Problem

PHONE, BACKUP_PHONE, HTTP = "sms_gate", "backup_phone", "http_gateway"
"""Names of the gateways, as they stand in the outbox."""

NOT_CONFIGURED = Problem(
    "sms-not-configured",
    "warning",
    "The SMS gateway {name} has no {missing}: no message can leave by it.",
    "Copy user name and password from SMS Gateway on the phone into the configuration, then start the gate again.",
)
UNUSABLE = Problem(
    "sms-gateway-unusable",
    "warning",
    "The SMS gateway {name} is configured in a way that cannot work: {error}",
    "Correct the section sms_notifications, then start the gate again.",
)

Resolve = Callable[[str], Path]


def routes(sms: Any, resolve: Resolve, clock: Clock) -> Routes:
    """The gateways that are configured. Those that cannot be used are problems, and the others are used.

    Args:
        sms: the section ``sms_notifications`` of ``attendance.config.Settings``.
        resolve: makes a configured path absolute.
    """
    gateways: list[Gateway] = []
    problems: list[Problem] = []
    for name, made in ((PHONE, phone), (BACKUP_PHONE, backup_phone), (HTTP, http_gateway)):
        if name != PHONE and not getattr(sms, name).enabled:
            continue
        if problem := _missing(name, sms):
            problems.append(problem)
            continue
        try:
            gateways.append(made(sms, resolve))
        except BadInput as error:
            problems.append(UNUSABLE.said(name=name, error=error))
    return Routes(gateways, clock, problems=problems)


def phones(sms: Any, resolve: Resolve) -> list[SmsGate]:
    """The phones that are switched on, in their order: for what is set up at each, as webhooks are.

    Raises:
        BadInput: an address is none.
    """
    return [phone(sms, resolve), *([backup_phone(sms, resolve)] if sms.backup_phone.enabled else [])]


def phone(sms: Any, resolve: Resolve) -> SmsGate:
    """The school's phone.

    Raises:
        BadInput: its address is none.
    """
    return _phone(PHONE, sms, sms, sms.sms_gate.ca_file, resolve)


def backup_phone(sms: Any, resolve: Resolve) -> SmsGate:
    """The second phone. How it is logged in to, its SIM card and its patience are those of the first.

    Raises:
        BadInput: its address is none.
    """
    return _phone(BACKUP_PHONE, sms.backup_phone, sms, sms.backup_phone.ca_file, resolve)


def http_gateway(sms: Any, resolve: Resolve) -> HttpGateway:
    """The other provider.

    Raises:
        BadInput: its request cannot be made.
    """
    plan = sms.http_gateway
    return HttpGateway(
        HTTP,
        plan.url,
        method=plan.method,
        headers=tuple(plan.headers),
        body=plan.body,
        may_repeat=plan.repeat_unknown,
        timeout_s=float(plan.timeout_seconds),
    )


def _phone(name: str, account: Any, sms: Any, ca_file: str | Path, resolve: Resolve) -> SmsGate:
    return SmsGate(
        name,
        account.api_url,
        account.username,
        account.password,
        device_id=account.device_id,
        sim_number=sms.sms_gate.sim_number,
        auth=sms.sms_gate.auth,
        ca_file=resolve(str(ca_file)) if ca_file else None,
        timeout_s=float(sms.sms_gate.timeout_seconds),
    )


def _missing(name: str, sms: Any) -> Problem | None:
    needed = {
        PHONE: (sms, ("api_url", "username", "password")),
        BACKUP_PHONE: (sms.backup_phone, ("api_url", "username", "password")),
        HTTP: (sms.http_gateway, ("url",)),
    }
    section, keys = needed[name]
    missing = [key for key in keys if not getattr(section, key)]
    return NOT_CONFIGURED.said(name=name, missing=" and no ".join(missing)) if missing else None
