"""Settings of the messages to guardians."""

from typing import Literal

from attendance.config.values import Secret, Section, Switch, TimeOfDay, Whole, setting

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


class SmsNotifications(Section):
    """Messages to guardians through an Android phone with SMS Gateway."""

    enabled: Switch = setting(False, "Whether messages are written.", "They need a phone and cost money.")
    username: Secret = setting("", "User name at the gateway.", "Only the school knows.")
    password: Secret = setting("", "Password at the gateway.", "Only the school knows.")
    device_id: str = setting("", "The phone's id at the gateway.", "Only the school knows.")
    api_url: str = setting("", "Address of the gateway.", "Only the school knows.")
    notification_preferences: NotificationPreferences = setting(
        NotificationPreferences, "Which messages are sent.", "See its keys."
    )
    quiet_hours: QuietHours = setting(QuietHours, "When messages wait.", "See its keys.")
    rate_limiting: RateLimiting = setting(RateLimiting, "How many messages the phone is given.", "See its keys.")
    duplicate_sms_cooldown_minutes: Whole = setting(
        5, "Minutes in which the same news is not sent again.", "Documented default.", ge=0, le=1440
    )
    login_message_template: str = setting("", OWN_TEXT + "an arrival.", BUILT_IN)
    logout_message_template: str = setting("", OWN_TEXT + "a departure.", BUILT_IN)
    late_arrival_template: str = setting("", OWN_TEXT + "a late arrival.", BUILT_IN)
    no_checkout_template: str = setting("", OWN_TEXT + "a missing departure.", BUILT_IN)
    absence_alert_template: str = setting("", OWN_TEXT + "an absence.", BUILT_IN)
    weekly_summary_template: str = setting("", OWN_TEXT + "the week.", BUILT_IN)
    monthly_summary_template: str = setting("", OWN_TEXT + "the month.", BUILT_IN)
