"""Makes the two dashboards beside it: ``python deploy/grafana/dashboards.py`` writes gate.json and fleet.json.

Needs ``grafana-foundation-sdk`` (requirements-dev.txt): dashboards are built from its types, so that a misspelt option
is an error here and not an empty panel there.
"""

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

HERE = Path(__file__).parent
SOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
ONE = '{school="$school", gate="$gate"}'
ALL = '{school=~"$school"}'
ERRORS = '{school=~"$school", severity="error"}'
HIGH, LOW = 8, 4


@dataclass(frozen=True)
class Picture:
    """A panel.

    Attributes:
        asks: PromQL to the words of its line.
        warn, bad: from which value on the colour changes; below instead of above where ``low`` is set.
    """

    title: str
    asks: Sequence[tuple[str, str]]
    unit: str = "short"
    about: str = ""
    width: int = 12
    kind: str = "lines"
    warn: float | None = None
    bad: float | None = None
    low: bool = False


GATE = {
    "Now": [
        Picture("Answers", [(f"up{ONE}", "")], width=4, kind="number", bad=1, low=True),
        Picture("Problems", [(f"sum(attendance_problem{ONE}) or vector(0)", "")], width=4, kind="number", warn=1),
        Picture("Scans today", [(f"attendance_today_scans{ONE}", "")], width=4, kind="number"),
        Picture(
            "Waiting to be sent", [(f"attendance_queue_size{ONE}", "")], width=4, kind="number", warn=100, bad=1000
        ),
        Picture("Newest backup", [(f"attendance_backup_age_seconds{ONE}", "")], "s", width=4, kind="number", warn=7200),
        Picture("Clock is right", [(f"attendance_clock_trusted{ONE}", "")], width=4, kind="number", bad=1, low=True),
        Picture("What is wrong", [(f"attendance_problem{ONE}", "")], width=24, kind="rows"),
    ],
    "Students": [
        Picture(
            "Cards a minute",
            [
                (f"rate(attendance_scans_success_total{ONE}[5m]) * 60", "recorded"),
                (f"rate(attendance_scans_failed_total{ONE}[5m]) * 60", "refused"),
            ],
            about="Flat while classes begin: look at the gate.",
        ),
        Picture(
            "Refused, by reason",
            [(f"sum by (reason) (increase(attendance_scans_refused_total{ONE}[15m]))", "{{reason}}")],
            about="docs/operations/metrics.md says what each reason asks for.",
        ),
        Picture(
            "From card to record",
            [
                (
                    f"histogram_quantile({share}, sum by (le) (rate(attendance_qr_scan_seconds_bucket{ONE}[15m])))",
                    f"{share * 100:.0f} % are faster",
                )
                for share in (0.5, 0.95, 0.99)
            ],
            "s",
            warn=0.5,
        ),
        Picture(
            "Photos",
            [
                (f"increase(attendance_photos_kept_total{ONE}[15m])", "kept"),
                (f"increase(attendance_photos_failed_total{ONE}[15m])", "not written"),
            ],
        ),
    ],
    "Parents and centre": [
        Picture("Oldest unsent", [(f"attendance_oldest_unsent_seconds{ONE}", "")], "s", warn=3600),
        Picture(
            "Messages",
            [
                (f"increase(attendance_sms_sent_total{ONE}[15m])", "sent"),
                (f"delta(attendance_sms_delivered{ONE}[15m])", "delivered"),
                (f"delta(attendance_sms_undelivered{ONE}[15m])", "failed"),
            ],
        ),
        Picture("Records the centre took", [(f"increase(attendance_cloud_sync_success_total{ONE}[15m])", "")]),
    ],
    "Machine": [
        Picture("Temperature", [(f"attendance_temperature_celsius{ONE}", "")], "celsius", warn=75, bad=82),
        Picture(
            "Memory",
            [
                (f"attendance_core_memory_bytes{ONE}", "gate"),
                (f"attendance_vision_memory_bytes{ONE}", "vision"),
            ],
            "decbytes",
        ),
        Picture("Room on the disk", [(f"attendance_disk_free_bytes{ONE}", "")], "decbytes"),
        Picture("Pictures a second", [(f"attendance_camera_fps{ONE}", "")]),
        Picture(
            "Restarts",
            [
                (f"changes(process_start_time_seconds{ONE}[1h])", "gate"),
                (f"increase(attendance_vision_restarts_total{ONE}[1h])", "vision"),
            ],
        ),
        Picture("Too little power", [(f"attendance_undervoltage{ONE}", "")], bad=1),
    ],
}
FLEET = {
    "Now": [
        Picture("Gates that answer", [(f"sum(up{ALL})", "")], width=6, kind="number"),
        Picture("Gates that do not", [(f"sum(1 - up{ALL})", "")], width=6, kind="number", bad=1),
        Picture(
            "Gates with an error",
            [(f"count(sum by (school, gate) (attendance_problem{ERRORS})) or vector(0)", "")],
            width=6,
            kind="number",
            bad=1,
        ),
        Picture("Scans today", [(f"sum(attendance_today_scans{ALL})", "")], width=6, kind="number"),
        Picture("What is wrong where", [(f"attendance_problem{ALL}", "")], width=24, kind="rows"),
    ],
    "Students": [
        Picture(
            "Cards a minute, by school",
            [(f"sum by (school) (rate(attendance_scans_success_total{ALL}[5m])) * 60", "{{school}}")],
        ),
        Picture(
            "Share that is refused, the ten highest",
            [
                (
                    f"topk(10, increase(attendance_scans_failed_total{ALL}[1h])"
                    f" / (increase(attendance_scans_total{ALL}[1h]) > 20))",
                    "{{school}}, {{gate}}",
                )
            ],
            "percentunit",
            warn=0.25,
        ),
        Picture(
            "From card to record, the ten slowest",
            [
                (
                    "topk(10, histogram_quantile(0.95, sum by (school, gate, le)"
                    f" (rate(attendance_qr_scan_seconds_bucket{ALL}[15m]))))",
                    "{{school}}, {{gate}}",
                )
            ],
            "s",
            warn=0.5,
        ),
        Picture(
            "Oldest unsent, the ten oldest",
            [(f"topk(10, attendance_oldest_unsent_seconds{ALL})", "{{school}}, {{gate}}")],
            "s",
            warn=3600,
        ),
    ],
    "Machines": [
        Picture(
            "The ten hottest",
            [(f"topk(10, attendance_temperature_celsius{ALL})", "{{school}}, {{gate}}")],
            "celsius",
            warn=75,
            bad=82,
        ),
        Picture(
            "The ten fullest disks",
            [(f"topk(10, attendance_disk_used_ratio{ALL})", "{{school}}, {{gate}}")],
            "percentunit",
            warn=0.9,
        ),
        Picture(
            "The ten oldest backups",
            [(f"topk(10, attendance_backup_age_seconds{ALL})", "{{school}}, {{gate}}")],
            "s",
            warn=7200,
        ),
        Picture("Versions", [(f"count by (version) (attendance_build_info{ALL})", "{{version}}")]),
    ],
}


def made() -> dict[str, str]:
    """The name of each file to its text."""
    gate = _dashboard("A gate", "attendance-gate", GATE).with_variable(_choice("gate", 'up{school="$school"}'))
    fleet = _dashboard("All gates", "attendance-fleet", FLEET, several=True)
    return {
        name: JSONEncoder(sort_keys=True, indent=1).encode(builder.build()) + "\n"
        for name, builder in (("gate.json", gate), ("fleet.json", fleet))
    }


def _dashboard(title: str, uid: str, rows: dict[str, list[Picture]], *, several: bool = False) -> Dashboard:
    builder = (
        Dashboard(title)
        .uid(uid)
        .tags(["attendance"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .with_variable(DatasourceVariable("datasource").label("Data").type("prometheus"))
        .with_variable(_choice("school", "up", several=several))
    )
    numbers = itertools.count(1)
    for name, pictures in rows.items():
        builder = builder.with_row(Row(name).id(next(numbers)))
        for picture in pictures:
            builder = builder.with_panel(_panel(picture).id(next(numbers)))
    return builder


def _choice(label: str, series: str, *, several: bool = False) -> QueryVariable:
    variable = (
        QueryVariable(label)
        .label(label.capitalize())
        .datasource(SOURCE)
        .query(f"label_values({series}, {label})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    return variable.multi(True).include_all(True) if several else variable


def _panel(picture: Picture) -> "timeseries.Panel | stat.Panel | table.Panel":
    builders = {"lines": timeseries.Panel, "number": stat.Panel, "rows": table.Panel}
    panel = builders[picture.kind]().title(picture.title).datasource(SOURCE).unit(picture.unit)
    panel = panel.span(picture.width).height(LOW if picture.kind == "number" else HIGH).thresholds(_colours(picture))
    if isinstance(panel, stat.Panel):
        panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if picture.about:
        panel = panel.description(picture.about)
    for expression, words in picture.asks:
        query = prometheus.Dataquery().expr(expression).legend_format(words)
        if picture.kind != "lines":
            query = query.instant()
        if picture.kind == "rows":
            query = query.format(PromQueryFormat.TABLE)
        panel = panel.with_target(query)
    return panel


def _colours(picture: Picture) -> dashboard.ThresholdsConfig:
    """Green, then yellow from ``warn`` and red from ``bad`` on; the other way round where low is bad."""
    steps = [Threshold(value=None, color="red" if picture.low else "green")]
    if picture.low:
        steps.append(Threshold(value=picture.bad, color="green"))
    else:
        steps += [
            Threshold(value=value, color=colour)
            for value, colour in ((picture.warn, "yellow"), (picture.bad, "red"))
            if value is not None
        ]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


if __name__ == "__main__":
    for file, text in made().items():
        (HERE / file).write_text(text)
        print(HERE / file, file=sys.stderr)
