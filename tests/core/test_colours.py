"""An accent of any colour can be read, in light and in dark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.colours import AA, ACCENT, PAGE, RAISED, SIDE, contrast, parsed, readable

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(COLOURS)
def test_whatever_the_accent_it_can_be_read_on_each_surface_and_what_stands_on_it(
    colour: str,
) -> None:
    for scheme in (0, 1):
        shade = readable(colour, RAISED[scheme])
        assert min(contrast(shade, surface[scheme]) for surface in (PAGE, SIDE, RAISED)) >= AA


def test_what_can_be_read_stays_as_it_is_and_the_page_s_own_accent_can() -> None:
    assert tuple(map(readable, ACCENT, RAISED)) == ACCENT
    assert readable("#00aa77", RAISED[0]) == "#008059"
    assert readable("#00aa77", RAISED[1]) == "#00aa77"
    assert contrast("#ffffff", "#000000") == pytest.approx(21)


def test_a_colour_is_written_as_in_css() -> None:
    written = (
        "#0a7",
        " TEAL ",
        "rgb(1, 2, 3)",
        "hsl(120, 50%, 50%)",
        "#11223344",
        "red; x",
        "",
        "#",
    )
    assert [parsed(colour) for colour in written] == [
        *("#00aa77", "#008080", "#010203", "#40bf40"),
        *(None, None, None, None),
    ]
