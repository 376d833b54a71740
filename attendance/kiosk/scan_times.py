"""How long this gate's scans took, for its health and for the centre that gathers it from all gates."""

import secrets

from attendance.domain import scan_time
from attendance.kiosk.metric_catalogue import QR_SCAN_MS
from attendance.ops.health import ProbeResult
from attendance.ops.metrics import MetricsCollector


class ScanTimesProbe:
    """The component ``scans``: how many since this process began, half and 95 of 100 of them within how long, and how
    many within each of the bounds of ``domain.scan_time``; ``run`` names the life of this process."""

    def __init__(self, metrics: MetricsCollector) -> None:
        self._metrics = metrics
        self._told = ProbeResult("scans", {"run": secrets.token_hex(8), "count": 0})

    def __call__(self) -> ProbeResult:
        timing = self._metrics.reading().timings.get(QR_SCAN_MS)
        if timing is not None and timing.count != self._told.values["count"]:
            self._told = ProbeResult("scans", scan_time.told(self._told.values["run"], timing))
        return self._told
