"""What each feature adds to the gate's core, in memory, idle processor time and at the end."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from robust.children import child
from robust.figures import Figure

_FIVE = ("watchdog", "sms_webhook", "backup", "health", "metrics")
_DOCUMENT = {
    "watchdog": ("~2 MB", "< 0.1 %"),
    "sms_webhook": ("~15 MB", "< 0.5 %"),
    "backup": ("~5 MB", "< 1 % during one"),
    "health": ("~15 MB", "< 0.5 %"),
    "metrics": ("~3 MB", "< 0.1 %"),
    "all five": ("~40 MB", "< 2 %"),
}
_EARLIER_MEMORY = {"sms_webhook": "19 MB", "all five": "23 MB, both servers alone"}
_EARLIER_STOP = {
    "watchdog": "2.0 s",
    "backup": "5.0 s",
    "metrics": "5.0 s",
    "sms_webhook": "never",
    "health": "never",
    "all five": "12 s",
}


def figures(idle_s: float) -> Iterator[Figure]:
    """Eight processes side by side for ``idle_s`` seconds: the core twice, with each feature, with all."""
    variants = {"core": (), "core again": (), **{name: (name,) for name in _FIVE}, "all five": _FIVE}
    seen = _run(variants, idle_s)
    core = seen["core"]
    noise = 100 * abs(seen["core again"]["cpu_s"] - core["cpu_s"]) / idle_s
    yield Figure("memory", "the core without the five, RSS", core["rss_mb"], "MB", note=f"USS {core['uss_mb']:.1f}")
    for name in (*_FIVE, "all five"):
        rss, uss = (seen[name][key] - core[key] for key in ("rss_mb", "uss_mb"))
        yield Figure(
            "memory",
            f"{name} adds, RSS",
            rss,
            "MB",
            aim=25.0 if name == "all five" else None,
            document=_DOCUMENT[name][0],
            earlier=_EARLIER_MEMORY.get(name, ""),
            note=f"USS {uss:.1f}",
        )
    idle = f"idle processor time, % of a core over {idle_s:g} s"
    alone = 100 * core["cpu_s"] / idle_s
    yield Figure(idle, "the core without the five", alone, "%", note=f"a second one beside it: {noise:.3f} apart")
    for name in (*_FIVE, "all five"):
        yield Figure(
            idle,
            f"{name} adds",
            100 * (seen[name]["cpu_s"] - core["cpu_s"]) / idle_s,
            "%",
            aim=0.1 if name == "all five" else None,
            document=_DOCUMENT[name][1],
        )
    stops = seen["all five"]["stop_s"]
    for name in (*_FIVE, "all five"):
        took = sum(stops[each] for each in _FIVE) if name == "all five" else stops[name]
        aim = 1.0 if name == "all five" else None
        yield Figure("stop()", name, took, "s", aim=aim, earlier=_EARLIER_STOP[name])


def _run(variants: dict[str, tuple[str, ...]], idle_s: float) -> dict[str, Any]:
    with ExitStack() as stack:
        started = {}
        for name, features in variants.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            started[name] = stack.enter_context(child("robust.core", str(folder), str(idle_s), *features))
        return {name: process.hear() for name, process in started.items()}
