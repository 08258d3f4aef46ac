"""One look, and files that do not change."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.font_manager import FontProperties, findfont

from sshknock.analysis.figures import ports, style
from tests.analysis.figures.reading import collisions, cut_off

NUMBERS = np.random.default_rng(1).integers(0, 1 << 16, 4096)


def svg() -> str:
    """A small figure, as its file has it."""
    with style.styled():
        return ports.histogram(NUMBERS, "a source").svg()


def test_a_figure_that_is_made_again_is_the_same_to_the_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the date is: none is in it, nor the version of what drew it."""
    first = svg()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert svg() == first
    assert "1970" not in first
    assert mpl.__version__ not in first


def test_settings_of_the_user_change_no_figure_and_stay_as_they_are() -> None:
    """``matplotlibrc`` is theirs, the figures are ours."""
    first = svg()
    with mpl.rc_context({"font.size": 30, "axes.grid.axis": "x", "svg.fonttype": "none"}):
        assert svg() == first
        assert mpl.rcParams["font.size"] == 30
        assert mpl.rcParams["svg.fonttype"] == "none"


def test_letters_are_paths_on_an_opaque_ground() -> None:
    """So the figure needs no font, and reads well on a dark page."""
    root = ET.fromstring(svg())  # noqa: S314  our own
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert "text" not in tags
    ground = root.find(".//*[@id='patch_1']/*")
    assert ground is not None
    assert f"fill: {style.PAPER}" in ground.attrib["style"]


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("family", ["DejaVu Sans", style.MONOSPACED])
def test_fonts_are_those_that_matplotlib_brings(family: str, weight: str) -> None:
    """Whatever the machine has: so a text is as wide everywhere."""
    wanted = FontProperties(family=family, weight=weight)
    found = Path(findfont(wanted, fallback_to_default=False))
    assert found.is_relative_to(mpl.get_data_path())


def test_every_colour_of_a_figure_is_of_the_palette() -> None:
    """A page gives each a second value for dark surroundings; another one would be left behind."""
    assert style.PALETTE.keys() == style.DARK.keys()
    found = {word.strip(' ";') for word in svg().replace(":", " ").split() if "#" in word}
    colors = {word for word in found if word.startswith("#") and len(word) == len("#000000")}
    assert colors
    assert colors <= set(style.PALETTE.values())


def test_the_state_of_pyplot_is_not_touched() -> None:
    """It is not even loaded when a figure has been drawn and written."""
    code = (
        "import sys; from sshknock.analysis.figures import lettering, style\n"
        "with style.styled(): assert lettering.examples([], 'how').svg()\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_test_of_texts_finds_what_lies_over_another_or_is_cut_off() -> None:
    """The reader of figures itself, on a sheet where both are so."""
    sheet = style.Sheet("A title", "and a line", 3)
    canvas = sheet.canvas()
    canvas.text(3, 1, "one text")
    canvas.text(3.1, 1, "another")
    canvas.text(style.WIDTH - 0.1, 2, "too far right")
    assert collisions(sheet) == [("one text", "another")]
    assert cut_off(sheet) == ["too far right"]
