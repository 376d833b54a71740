"""All gates in numbers, for Prometheus: also those that it cannot reach itself, because they only call."""

from collections.abc import Iterable, Sequence

from attendance import __version__
from attendance.fleet.sight import GateInSight
from attendance.ops.exposition import Labelled, by_problem

_WHICH = ("school", "gate")


def gauges(seen: Sequence[GateInSight]) -> list[Labelled]:
    """What the centre knows of its gates. ``docs/operations/fleet-metrics.md`` says what to do when one moves."""
    return [
        Labelled("attendance_centre_build_info", "The version that runs; always 1.", ["version"], [([__version__], 1)]),
        _gauge("gate_calls", "Whether the gate calls as it should.", ((each, not each.silent) for each in seen)),
        _gauge("gate_last_call_timestamp_seconds", "When the gate last called.", _since(seen)),
        _gauge("gate_queue_size", "Records that wait at the gate.", ((each, each.gate.queue_items) for each in seen)),
        _gauge(
            "gate_oldest_unsent_seconds",
            "How long the oldest of them has waited.",
            ((each, each.gate.oldest_seconds) for each in seen),
        ),
        _gauge("gate_today_scans", "Scans of the school's day.", ((each, each.passage.today) for each in seen)),
        _gauge(
            "gate_usual_scans",
            "Scans that such a weekday usually has by now.",
            ((each, each.passage.usual) for each in seen if each.passage.usual is not None),
        ),
        Labelled(
            "attendance_centre_gate_problem",
            "What is wrong with a gate, by its own word and by the centre's.",
            [*_WHICH, "code", "severity"],
            [
                ([each.gate.school, each.gate.name, *labels], count)
                for each in seen
                for labels, count in by_problem(each.problems)
            ],
        ),
    ]


def targets(seen: Iterable[GateInSight]) -> list[dict[str, object]]:
    """The gates' own pages, as Prometheus' ``http_sd_configs`` reads them; those that have said where these are.

    Source: https://prometheus.io/docs/prometheus/latest/http_sd/
    """
    return [
        {"targets": [each.vitals.address], "labels": {"school": each.gate.school, "gate": each.gate.name}}
        for each in seen
        if each.vitals.address is not None
    ]


def _since(seen: Iterable[GateInSight]) -> Iterable[tuple[GateInSight, float]]:
    return ((each, each.gate.called_at.timestamp()) for each in seen if each.gate.called_at is not None)


def _gauge(name: str, text: str, values: Iterable[tuple[GateInSight, float | None]]) -> Labelled:
    rows = [([each.gate.school, each.gate.name], float(value)) for each, value in values if value is not None]
    return Labelled(f"attendance_centre_{name}", text, _WHICH, rows)
