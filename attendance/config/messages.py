"""Settings of the messages to guardians."""

from typing import Annotated, Literal

from pydantic import Field

from attendance.config.values import Number, OptionalPath, Secret, Section, Switch, TimeOfDay, Whole, setting

OWN_TEXT = "Text of the message, with {placeholders}; empty: the built-in text. About "
BUILT_IN = "The built-in text fits one message part."


class NotificationPreferences(Section):
    """Which messages are sent."""

    check_in: Switch = setting(True, "Arrival.", "Documented default.")
    check_out: Switch = setting(True, "Departure.", "Documented default.")
    late_arrival: Switch = setting(True, "Late arrival.", "Documented default.")
    absence: Switch = setting(False, "Absence.", "A false alarm frightens; a person decides.")
    no_checkout: Switch = setting(False, "No departure.", "A false alarm frightens; a person decides.")
    weekly_summary: Switch = setting(False, "Weekly summary.", "Each message costs.")
    monthly_summary: Switch = setting(False, "Monthly summary.", "Each message costs.")


class QuietHours(Section):
    """When messages wait."""

    enabled: Switch = setting(True, "Whether there are any.", "Documented default.")
    start: TimeOfDay = setting("22:00", "From when.", "Documented default.", validate_default=True)
    end: TimeOfDay = setting("06:00", "Until when.", "Documented default.", validate_default=True)


class RateLimiting(Section):
    """How many messages the phone is given."""

    enabled: Switch = setting(True, "Whether there is a limit.", "Documented default.")
    max_per_minute: Whole = setting(10, "Messages in any 60 seconds.", "Documented default.", ge=1, le=6000)
    max_per_hour: Whole = setting(60, "Messages in any 3600 seconds.", "Documented default.", ge=1, le=360_000)
    expire_after_minutes: Whole = setting(
        120,
        "Minutes after which a waiting message is useless.",
        "News of an arrival at noon helps nobody.",
        ge=1,
        le=10_080,
    )
    when_full: Literal["wait", "drop"] = setting(
        "wait", "What a surplus message does.", "A dropped message is a parent who is never told."
    )


SecretLines = Annotated[tuple[str, ...], Field(json_schema_extra={"secret": True})]
Word = Annotated[str, Field(min_length=1, max_length=30)]
Phone = Annotated[
    str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", json_schema_extra={"allowed": "a number as +639171234567"})
]


class SmsGate(Section):
    """How SMS Gateway, the app on the phone, is spoken to."""

    auth: Literal["basic", "jwt"] = setting("basic", "How to log in; jwt is for servers only.", "Every phone takes it.")
    ca_file: OptionalPath = setting("", "File with the CA of a private server; empty: the system's.", "Few have one.")
    sim_number: Whole = setting(0, "Which SIM card sends; 0: as the phone is set.", "Most phones have one.", ge=0, le=3)
    timeout_seconds: Number = setting(
        15, "Seconds to wait for an answer.", "Phones on weak Wi-Fi are slow.", ge=1, le=120
    )


class BackupPhone(Section):
    """A second phone, asked when the first one provably did not take a message."""

    enabled: Switch = setting(False, "Whether there is one.", "Most schools have one phone.")
    api_url: str = setting("", "Address of its gateway.", "Only the school knows.")
    username: Secret = setting("", "User name there.", "Only the school knows.")
    password: Secret = setting("", "Password there.", "Only the school knows.")
    device_id: str = setting("", "Its id there.", "Only the school knows.")
    ca_file: OptionalPath = setting("", "File with the CA of a private server; empty: the system's.", "Few have one.")


class HttpGateway(Section):
    """Any provider with an HTTP interface, asked after the phones."""

    enabled: Switch = setting(False, "Whether there is one.", "Phones are cheaper.")
    url: str = setting("", "Address, with {placeholders}: phone, text, id.", "Only the provider knows.")
    method: Literal["GET", "POST", "PUT"] = setting("POST", "HTTP method.", "What most providers want.")
    headers: SecretLines = setting((), "Headers of the request, each as `Name: value`.", "Only the provider knows.")
    body: str = setting("", "Body, with {placeholders}; JSON if it begins with a brace.", "Only the provider knows.")
    repeat_unknown: Switch = setting(
        False, "Whether a request without a clear answer is repeated.", "A second message costs, and confuses."
    )
    timeout_seconds: Number = setting(15, "Seconds to wait for an answer.", "As the phone's.", ge=1, le=120)


class Absence(Section):
    """When guardians are told that a student did not come, or did not leave."""

    after_minutes: Whole = setting(
        30, "Minutes after a login or logout window closed.", "Latecomers have passed by then.", ge=0, le=720
    )
    max_share_percent: Whole = setting(
        20, "Share of a session's students above which a person must confirm.", "So many are a fault.", ge=1, le=100
    )


class SmsNotifications(Section):
    """Messages to guardians through an Android phone with SMS Gateway."""

    enabled: Switch = setting(False, "Whether messages are written.", "They need a phone and cost money.")
    username: Secret = setting("", "User name at the gateway.", "Only the school knows.")
    password: Secret = setting("", "Password at the gateway.", "Only the school knows.")
    device_id: str = setting("", "The phone's id at the gateway.", "Only the school knows.")
    api_url: str = setting(
        "https://api.sms-gate.app/3rdparty/v1", "Address of the gateway.", "The app's public server."
    )
    sms_gate: SmsGate = setting(SmsGate, "How the phone is spoken to.", "See its keys.")
    backup_phone: BackupPhone = setting(BackupPhone, "A second phone.", "See its keys.")
    http_gateway: HttpGateway = setting(HttpGateway, "Another provider.", "See its keys.")
    notification_preferences: NotificationPreferences = setting(
        NotificationPreferences, "Which messages are sent.", "See its keys."
    )
    quiet_hours: QuietHours = setting(QuietHours, "When messages wait.", "See its keys.")
    rate_limiting: RateLimiting = setting(RateLimiting, "How many messages the phone is given.", "See its keys.")
    duplicate_sms_cooldown_minutes: Whole = setting(
        5, "Minutes in which the same news is not sent again.", "Documented default.", ge=0, le=1440
    )
    daily_max_parts: Whole = setting(0, "Message parts a day, at most; 0: any.", "Load and tariffs differ.", ge=0)
    monthly_max_parts: Whole = setting(0, "Message parts a month, at most; 0: any.", "Load and tariffs differ.", ge=0)
    report_after_minutes: Whole = setting(
        15, "Minutes without a report after which the phone is asked.", "Most arrive in one.", ge=1, le=1440
    )
    language: Literal["en", "fil"] = setting("en", "Language of the built-in texts.", "Every school has it.")
    transliterate: Switch = setting(
        True, "Whether characters that make a message dearer are replaced by plain ones.", "One emoji doubles the cost."
    )
    opt_out_words: tuple[Word, ...] = setting(
        ("STOP", "HINTO"), "Answers of a guardian that end messages.", "International, and Filipino."
    )
    opt_in_words: tuple[Word, ...] = setting(("START", "SIMULA"), "Answers that begin them again.", "As above.")
    absence: Absence = setting(Absence, "When an absence is told.", "See its keys.")
    login_message_template: str = setting("", OWN_TEXT + "an arrival.", BUILT_IN)
    logout_message_template: str = setting("", OWN_TEXT + "a departure.", BUILT_IN)
    late_arrival_template: str = setting("", OWN_TEXT + "a late arrival.", BUILT_IN)
    left_early_template: str = setting("", OWN_TEXT + "an early departure.", BUILT_IN)
    no_checkout_template: str = setting("", OWN_TEXT + "a missing departure.", BUILT_IN)
    absence_alert_template: str = setting("", OWN_TEXT + "an absence.", BUILT_IN)
    weekly_summary_template: str = setting("", OWN_TEXT + "the week.", BUILT_IN)
    monthly_summary_template: str = setting("", OWN_TEXT + "the month.", BUILT_IN)


class AlertReceivers(Section):
    """Who is told of problems."""

    addresses: SecretLines = setting(
        (), "Apprise addresses, as mailto://… or tgram://…; https://github.com/caronc/apprise/wiki", "Only you know."
    )
    sms: tuple[Phone, ...] = setting((), "Phone numbers, as +639171234567, that are told of errors.", "Only you know.")


class Alerts(Section):
    """Telling people of problems. The conditions are the problems of the health page."""

    receivers: AlertReceivers = setting(AlertReceivers, "Who is told first.", "See its keys.")
    escalation: AlertReceivers = setting(AlertReceivers, "Who is told of an error that stays.", "See its keys.")
    error_after_minutes: Number = setting(
        2, "Minutes that an error lasts before it is told.", "Most pass.", ge=0, le=1440
    )
    warning_after_minutes: Number = setting(60, "The same of a warning.", "It is not for at once.", ge=0, le=10_080)
    error_again_hours: Number = setting(
        4, "Hours after which an error is told again.", "It was forgotten.", ge=0.1, le=720
    )
    warning_again_hours: Number = setting(24, "The same of a warning.", "Once a day.", ge=0.1, le=720)
    over_after_minutes: Number = setting(5, "Minutes without it before it is over.", "It may come back.", ge=0, le=1440)
    escalate_after_minutes: Number = setting(
        30,
        "Minutes until an error that nobody acknowledged is told further; 0: never.",
        "It is urgent.",
        ge=0,
        le=10_080,
    )
    quiet_hours: QuietHours = setting(QuietHours, "When only errors are told.", "See its keys.")
    leave_to_centre: Switch = setting(
        True, "Whether the centre tells instead, while the gate is in contact with it.", "Nobody is told twice."
    )
    ping_url: Secret = setting(
        "", "Address that is called while the gate lives, as healthchecks.io has them; empty: none.", "Only you know."
    )
    ping_minutes: Number = setting(
        5, "Minutes between two calls of it.", "Half of what such services wait.", ge=1, le=1440
    )
