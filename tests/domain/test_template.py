"""Templates are checked when they are read, and what fills them is only ever text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.template import Template, parse
from attendance.errors import BadInput

NAMES = frozenset({"student_name", "time", "date"})


@pytest.mark.parametrize(
    "text", ["{student_name} at {time}", "{{student_name}} at {{time}}", "{ Student_Name } at {TIME}"]
)
def test_placeholders_are_filled(text: str) -> None:
    """In single braces or, as the earlier system had it too, double ones; case and spaces inside do not matter."""
    template = parse(text, NAMES)
    assert template.names == {"student_name", "time"}
    assert template.fill({"student_name": "Ana", "time": "7:00 AM"}) == "Ana at 7:00 AM"


def test_an_unknown_placeholder_is_named() -> None:
    """With the one that was probably meant."""
    with pytest.raises(BadInput, match=r"no placeholder '\{studentname\}'; did you mean \{student_name\}\?"):
        parse("{studentname}", NAMES)


def test_an_unlike_placeholder_gets_the_list() -> None:
    """When nothing is close, all are shown."""
    with pytest.raises(BadInput, match=r"'\{zzz\}'; there are \{date\}, \{student_name\}, \{time\}\."):
        parse("{zzz}", NAMES)


def test_a_placeholder_that_is_left_out_on_purpose_has_its_reason() -> None:
    """Whoever brings a template of the earlier system is told why."""
    with pytest.raises(BadInput, match=r"\{link\}: no links"):
        parse("{link}", NAMES, {"link": "no links"})


@pytest.mark.parametrize(
    "text", ["{", "}", "{}", "{ }", "{student name}", "{student_name", "student_name}", "{{{time}}}"]
)
def test_a_brace_of_no_placeholder_is_refused(text: str) -> None:
    """It would reach a parent as it stands."""
    with pytest.raises(BadInput, match="brace belongs to no placeholder"):
        parse(text, NAMES)


@pytest.mark.parametrize("text", ["{time!r}", "{time.__class__}", "{time[0]}", "{time:>10}", "{0}", "{__import__}"])
def test_a_template_is_no_format_string(text: str) -> None:
    """What ``str.format`` would obey is an unknown placeholder."""
    with pytest.raises(BadInput, match="no placeholder"):
        parse(text, NAMES)


@given(st.text(st.sampled_from("{}!. [:]") | st.characters()))
def test_braces_in_a_value_stay_text(value: str) -> None:
    """A student called {time} is called {time}."""
    filled = parse("{student_name}-{time}", NAMES).fill({"student_name": value, "time": "now"})
    assert filled == f"{value}-now"


@given(
    st.lists(st.sampled_from(["{", "}", "{{", "}}", "time", "student_name", " ", "x", "é", "😀", "\n"])).map("".join)
)
def test_no_template_does_more_than_be_refused(text: str) -> None:
    """Either it is good, and then nothing of a brace is left in what it says, or there is an error."""
    try:
        template = parse(text, NAMES)
    except BadInput:
        return
    assert isinstance(template, Template)
    filled = template.fill(dict.fromkeys(template.names, "v"))
    assert "{" not in filled
    assert "}" not in filled
