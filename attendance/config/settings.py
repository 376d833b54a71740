"""All settings, one attribute a section."""

from pydantic import model_validator

from attendance.config import capture, messages, place, upkeep
from attendance.config.values import Section, setting

SEE = "See its keys."


class Settings(Section):
    """What a gate is told."""

    school: place.School = setting(place.School, "The school that the gate belongs to.", SEE)
    device: place.Device = setting(place.Device, "This gate.", SEE)
    school_schedule: place.SchoolSchedule = setting(place.SchoolSchedule, "The school's day.", SEE)
    cards: place.Cards = setting(place.Cards, "The cards the gate believes.", SEE)
    clock: place.ClockTrust = setting(place.ClockTrust, "How far the machine's clock is believed.", SEE)
    camera: capture.Camera = setting(capture.Camera, "Where frames come from.", SEE)
    photo: capture.Photo = setting(capture.Photo, "The picture kept of each scan.", SEE)
    vision: capture.Vision = setting(capture.Vision, "How a face is found for the photo.", SEE)
    screen: upkeep.Screen = setting(upkeep.Screen, "The gate's page.", SEE)
    web: upkeep.Web = setting(upkeep.Web, "What the web server believes of a request.", SEE)
    health_endpoint: upkeep.HealthEndpoint = setting(upkeep.HealthEndpoint, "The port of all pages.", SEE)
    watchdog: upkeep.Watchdog = setting(upkeep.Watchdog, "What happens when the gate hangs.", SEE)
    sms_notifications: messages.SmsNotifications = setting(messages.SmsNotifications, "Messages to guardians.", SEE)
    sms_webhook: upkeep.SmsWebhook = setting(upkeep.SmsWebhook, "The port for delivery reports.", SEE)
    database_backup: upkeep.DatabaseBackup = setting(upkeep.DatabaseBackup, "Copies of the database.", SEE)
    metrics: upkeep.Metrics = setting(upkeep.Metrics, "Numbers about the gate's work.", SEE)
    buzzer: capture.Buzzer = setting(capture.Buzzer, "A buzzer on a pin of the board.", SEE)
    rgb_led: capture.RgbLed = setting(capture.RgbLed, "A light on pins of the board.", SEE)
    disk_monitor: upkeep.DiskMonitor = setting(upkeep.DiskMonitor, "What happens when space runs short.", SEE)
    logging: upkeep.Logging = setting(upkeep.Logging, "What is written about the gate's work.", SEE)
    memory: upkeep.Memory = setting(upkeep.Memory, "How much memory each process may take.", SEE)
    alerts: messages.Alerts = setting(messages.Alerts, "Telling people of problems.", SEE)
    cloud: upkeep.Cloud = setting(upkeep.Cloud, "Sending records to the centre.", SEE)

    @model_validator(mode="after")
    def _ports_differ(self) -> "Settings":
        pages, reports = self.health_endpoint, self.sms_webhook
        if pages.enabled and reports.enabled and pages.port == reports.port:
            raise ValueError("different ports in health_endpoint and sms_webhook")
        return self

    @model_validator(mode="after")
    def _pins_differ(self) -> "Settings":
        pins = self.rgb_led.gpio_pins
        if self.buzzer.enabled and self.rgb_led.enabled and self.buzzer.gpio_pin in (pins.red, pins.green, pins.blue):
            raise ValueError("different pins in buzzer.gpio_pin and rgb_led.gpio_pins")
        return self
