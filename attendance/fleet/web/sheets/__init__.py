"""The parts of a school's analytics: for each its drawings, the tables beside them, and its rows for a spreadsheet."""

from collections.abc import Callable, Mapping

from attendance.fleet.web.sheets.arrivals import arrivals
from attendance.fleet.web.sheets.at_the_gate import at_the_gate
from attendance.fleet.web.sheets.balance import balance
from attendance.fleet.web.sheets.lateness import lateness
from attendance.fleet.web.sheets.sheet import Question, Sheet
from attendance.fleet.web.sheets.together import together

SHEETS: Mapping[str, tuple[str, Callable[[Question], Sheet]]] = {
    "arrivals": ("Arrivals", arrivals),
    "balance": ("In and out", balance),
    "gates": ("At the gate", at_the_gate),
    "lateness": ("Late and absent", lateness),
    "together": ("Two gates at once", together),
}
"""By the last part of the address; in the order of the menu."""
