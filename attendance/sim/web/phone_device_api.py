"""Webhooks, devices, settings, tokens and health: the part of the simulated phone's API that is not about messages.

Source: ``routes/`` of capcom6/android-sms-gateway; ``handlers/`` of android-sms-gateway/server.
"""

from flask import Blueprint, jsonify, request
from werkzeug.exceptions import Unauthorized

from attendance.sim.phone import Phone
from attendance.sim.phone_health import server_health
from attendance.sim.phone_requests import read_object
from attendance.sim.web.phone_line import Answer, Line

SERVER_PREFIXES = ("/3rdparty/v1", "/api/3rdparty/v1")
"""Of the public cloud, and of a private server."""


def add_webhooks(blueprint: Blueprint, line: Line, server: bool) -> None:
    phone = line.phone

    def registered() -> Answer:
        line.require("webhooks:list", tokens=server)
        with phone.lock:
            return jsonify([each.answer() for each in phone.webhooks.registered])

    def register() -> Answer:
        line.require("webhooks:write", tokens=server)
        fields = read_object(request.get_data())
        with phone.lock:
            webhook = phone.webhooks.register(fields)
        phone.touch()
        return jsonify(webhook.answer()), 201

    def remove(webhook_id: str) -> tuple[str, int]:
        line.require("webhooks:delete", tokens=server)
        with phone.lock:
            phone.webhooks.remove(webhook_id)
        phone.touch()
        return "", 204

    for path in ("/webhooks", "/webhook"):
        blueprint.add_url_rule(path, f"registered{path}", registered, methods=["GET"])
        blueprint.add_url_rule(path, f"register{path}", register, methods=["POST"])
        blueprint.add_url_rule(f"{path}/<webhook_id>", f"remove{path}", remove, methods=["DELETE"])


def add_device(blueprint: Blueprint, line: Line, server: bool) -> None:
    phone = line.phone
    since = phone.stamp(phone.clock.now().at)

    def devices() -> Answer:
        line.require("devices:list", tokens=server)
        seen = phone.stamp(phone.clock.now().at)
        device = {
            "id": phone.device_id,
            "name": "Simulated phone",
            "createdAt": since,
            "updatedAt": seen,
            "lastSeen": seen,
        }
        return jsonify([device])

    def settings() -> Answer:
        line.require("settings:read", tokens=server)
        return jsonify(phone.settings.answer())

    def configure() -> Answer:
        line.require("settings:write", tokens=server)
        phone.configure(phone.settings.patched(read_object(request.get_data())))
        return jsonify(phone.settings.answer())

    for path in ("/devices", "/device"):
        blueprint.add_url_rule(path, f"devices{path}", devices, methods=["GET"])
    blueprint.add_url_rule("/settings", "settings", settings, methods=["GET"])
    blueprint.add_url_rule("/settings", "configure", configure, methods=["PATCH"])


def add_tokens(blueprint: Blueprint, line: Line) -> None:
    accounts = line.accounts

    @blueprint.post("/auth/token")
    def give() -> Answer:
        line.require("tokens:manage", tokens=True)
        return jsonify(accounts.give(read_object(request.get_data()))), 201

    @blueprint.post("/auth/token/refresh")
    def refresh() -> Answer:
        pair = accounts.refresh(request.headers.get("Authorization", ""))
        if pair is None:
            raise Unauthorized("Unauthorized")
        return jsonify(pair), 200

    @blueprint.delete("/auth/token/<jti>")
    def revoke(jti: str) -> tuple[str, int]:
        line.require("tokens:manage", tokens=True)
        accounts.revoke(jti)
        return "", 204


def health_blueprint(phone: Phone) -> Blueprint:
    """How the phone is, and, below the servers' prefixes, how a server is; for whoever asks."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/health")
    def health() -> Answer:
        found = phone.health()
        return jsonify(found), 500 if found["status"] == "fail" else 200

    def served() -> Answer:
        return jsonify(server_health())

    for path in ("/health/live", "/health/ready", "/health/startup"):
        blueprint.add_url_rule(path, f"served{path}", served)
    for prefix in SERVER_PREFIXES:
        blueprint.add_url_rule(f"{prefix}/health", f"served{prefix}", served)
    return blueprint
