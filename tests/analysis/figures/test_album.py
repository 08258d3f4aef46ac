"""All figures, as they are made of the generators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sshknock.analysis.figures import album, catalogue, style
from sshknock.analysis.figures.material import Material
from sshknock.analysis.generators import devices
from sshknock.errors import BadInput
from sshknock.protocol import henon
from sshknock.protocol.knocks import is_weak
from sshknock.protocol.parameters import Parameters
from tests.analysis.figures.reading import collisions, cut_off, labels, texts

FEW = Material(many=4096)
OTHERS_EACH_TIME = {"ports-system", "protocols-system"}
SLOW = "protocols-chua"  # a million of its bits take seconds
PAPER = Path(__file__).parents[3] / "docs" / "paper"


@pytest.fixture(scope="module")
def sheets() -> dict[str, style.Sheet]:
    """Every figure, as it is in the documentation; the slow one is of fewer bits.

    The operating system gives the same each time here.
    """
    with style.styled(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "system", np.random.default_rng(1).bytes)
        return {
            entry.name: entry.draw(FEW if entry.name == SLOW else Material())
            for entry in catalogue.ENTRIES
        }


@pytest.mark.parametrize("name", [entry.name for entry in catalogue.ENTRIES])
def test_every_text_can_be_read(name: str, sheets: dict[str, style.Sheet]) -> None:
    """None lies over another one, and none is cut off at the edge."""
    assert len(texts(sheets[name])) > 2
    assert collisions(sheets[name]) == []
    assert cut_off(sheets[name]) == []


@pytest.mark.parametrize("name", [entry.name for entry in catalogue.ENTRIES])
def test_the_documentation_has_the_figure_as_it_is_made_now(
    name: str, sheets: dict[str, style.Sheet]
) -> None:
    """By ``sshknock analyze --figures docs/paper``: the same texts, in less than 200 kB.

    Paths differ a little from one matplotlib to the next; what they are labelled with does not.
    """
    kept, now = (PAPER / f"{name}.svg").read_text("utf-8"), sheets[name].svg()
    assert max(len(kept), len(now)) < 200_000
    if name not in {SLOW, *OTHERS_EACH_TIME}:
        assert labels(kept) == labels(now)


def test_a_figure_of_the_same_seed_is_the_same_to_the_byte(
    sheets: dict[str, style.Sheet],
) -> None:
    """And that of another seed is not."""
    draw = next(entry.draw for entry in catalogue.ENTRIES if entry.name == "fig6")
    with style.styled():
        assert draw(Material()).svg() == sheets["fig6"].svg()
        assert draw(Material(seed=b"1" * 32)).svg() != sheets["fig6"].svg()


def test_figures_2_to_7_are_among_them_and_each_has_a_caption() -> None:
    """And a name of its own."""
    numbers = [entry.number for entry in catalogue.ENTRIES if entry.number]
    assert numbers == [f"Fig. {number}" for number in range(2, 8)]
    names = [entry.name for entry in catalogue.ENTRIES]
    assert len(names) == len(set(names))
    assert all(entry.caption.endswith(".") for entry in catalogue.ENTRIES)


def test_the_documentation_has_no_other_figure() -> None:
    """None is left of a name that is gone."""
    assert {file.stem for file in PAPER.glob("*.svg")} == {e.name for e in catalogue.ENTRIES}


def test_all_are_written_into_a_folder_that_need_not_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there before is replaced."""
    monkeypatch.setattr(catalogue, "ENTRIES", catalogue.ENTRIES[:2])
    folder = tmp_path / "a" / "b"
    written = album.write_all(folder, album.plates(FEW))
    assert written == [folder / f"{entry.name}.svg" for entry in catalogue.ENTRIES]
    written[0].write_text("old")
    album.write_all(folder, album.plates(FEW))
    assert [file.read_text("utf-8")[:5] for file in written] == ["<?xml"] * 2


def test_the_attractor_is_the_papers_from_its_starting_point() -> None:
    """Equation 3: x(i+1) = y(i) + 1 - a x(i)^2, y(i+1) = b x(i), from (0, 0), a = 1.4, b = 0.3."""
    pairs = FEW.henon(20_000)
    assert pairs.shape == (20_000, 2)
    x, y = np.vstack([(0.0, 0.0), pairs]).T
    assert np.array_equal(x[1:], y[:-1] + 1 - 1.4 * x[:-1] * x[:-1])
    assert np.array_equal(y[1:], 0.3 * x[:-1])


def test_the_lines_of_figure_6_are_the_first_ones_of_figure_7() -> None:
    """Whatever the seed: what is weak is left out of both, and an excluded port is in neither."""
    for number in range(8):
        material = Material(bytes([number]) * 32, Parameters(exclude=frozenset(range(9000, 9999))))
        lines = [knocks for knocks in material.streams(40).cuts if not is_weak(knocks)]
        assert len(lines) >= 3
        assert lines == material.examples(len(lines))


@pytest.mark.parametrize(
    "odd",
    [
        Parameters(henon_a=1.0),  # all bits alike: nothing but weak sequences
        Parameters(threshold=-0.9),  # nearly all udp
        Parameters(henon_a=1.2, threshold=0.3, port_min=1, port_max=40),
    ],
)
def test_parameters_that_are_not_good_are_drawn_as_well(odd: Parameters) -> None:
    """One looks at figures to see why; only an orbit that escapes cannot be shown."""
    names = {"fig3", "fig4", "fig5", "fig6", "fig7"}
    for entry in [entry for entry in catalogue.ENTRIES if entry.name in names]:
        with style.styled():
            sheet = entry.draw(Material(parameters=odd, many=4096))
        assert collisions(sheet) + cut_off(sheet) == []
    with pytest.raises(BadInput, match="escapes"):
        Material(parameters=Parameters(henon_a=1.5)).examples(1)


def test_bits_that_are_one_step_apart_have_0_70_of_their_entropy_and_eight_apart_nearly_all() -> (
    None
):
    """Which is why a distance is kept."""
    points = dict(FEW.by_distance("henon").points)
    assert points[1] == pytest.approx(0.695, abs=0.005)
    assert points[henon.STEPS_A_BIT] > 0.997


def test_the_bits_of_chuas_circuit_are_worth_their_entropy_at_the_distance_in_use() -> None:
    """And little of it at a twentieth of that."""
    curve = FEW.by_distance("chua")
    assert dict(curve.points)[curve.marked or 0] > 0.99
    assert curve.points[0][1] < 0.6
