"""What the centre keeps of a gate's health for its lists and alerts."""

from attendance.fleet.vitals import summary


def test_no_problem_of_a_gate_is_left_out() -> None:
    """However much is wrong with it at once: one that is not kept would be called over."""
    problems = [
        {"code": f"problem-{number}", "severity": "warning", "text": "It is wrong.", "remedy": "Mend it."}
        for number in range(30)
    ]
    assert summary({"problems": problems})["problems"] == problems
