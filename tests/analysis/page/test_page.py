"""One file that is whole by itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from sshknock.analysis.figures import protocols, style
from sshknock.analysis.figures.album import Plate
from sshknock.analysis.page.writing import page
from sshknock.analysis.report.model import Measure, Report, Section, Series

EMPTY = {"br", "hr", "img", "input", "link", "meta"}
REPORT = Report(
    "the file <script>alert(1)</script>",
    (
        Section(
            "ports",
            "Ports & numbers",
            (
                Measure("entropy", "Entropy", 0.99964, "", 0.99965, 0.99962, 0.25, True, "Flat."),
                Measure("runs", 'Runs "up"', 20123, ideal=21000.0, holds=False, meaning="Too few."),
                Measure("guess", "A guess", 1e-20, "chance"),
            ),
            (Series("d", "By distance", "steps", "share", ((1, 0.7), (8, 0.998)), marked=8),),
            ("dieharder is not installed.",),
        ),
    ),
    (("a", "1.4"), ("threshold", "0.41085")),
)


class Parsed(HTMLParser):
    """The elements of a page, whose tags have to match, and what people read of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element, unless it is one that has no end."""
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See an element of SVG that is empty."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Read what is shown."""
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """All that people read."""
        return " ".join(" ".join(self.words).split())

    def values(self, name: str) -> list[str]:
        """The values of an attribute, wherever it is."""
        return [value for _, attributes in self.elements if (value := attributes.get(name))]


def plate(name: str, number: str = "") -> Plate:
    """A figure with hatching, colours, letters and clipped curves."""
    with style.styled():
        sheet = protocols.histogram(np.tile([1, 0, 1, 0], 100), "a <source>")
    return Plate(name, number, sheet.title, f"What {name} shows.", sheet.svg())


@pytest.fixture(scope="module")
def text() -> str:
    """A page of one report and two figures that are alike."""
    return page([REPORT], [plate("fig5", "Fig. 5"), plate("protocols-hmac")])


@pytest.fixture(scope="module")
def parsed(text: str) -> Parsed:
    """The same page, read."""
    return Parsed(text)


def test_every_element_is_closed_and_no_two_have_one_name(parsed: Parsed) -> None:
    """Also where two figures were alike to the byte."""
    assert parsed.open == []
    names = parsed.values("id")
    assert len(names) == len(set(names)) > 20


def test_nothing_is_fetched_from_elsewhere_and_nothing_runs(text: str, parsed: Parsed) -> None:
    """Links lead within the page, pictures are part of it, and there is no script."""
    names = set(parsed.values("id"))
    assert all(link.startswith("#") and link[1:] in names for link in parsed.values("href"))
    inner = re.findall(r"url\(([^)]*)\)", text)
    assert inner
    assert all(target.startswith("#") and target[1:] in names for target in inner)
    assert "//" not in re.sub(r"data:image/png;base64,[\w+/=\s]*", "", text)
    tags = {tag for tag, _ in parsed.elements}
    assert tags.isdisjoint({"script", "link", "iframe", "img", "object"})
    assert "@import" not in text


def test_every_measure_is_told_with_its_ideal_the_papers_and_a_mark(parsed: Parsed) -> None:
    """The mark has a sign and a word, so nobody needs to see its colour."""
    for words in (
        "Entropy Flat. 0.99964 0.99965 0.99962 0.2500 \u2713 good",
        'Runs "up" Too few. 20,123 21,000.0 \u2717 not so',
        "A guess 1 in 1.0e20",
        "a 1.4",
        "threshold 0.41085",
        "By distance",
        "8 (in use) 0.998",
        "dieharder is not installed.",
    ):
        assert words in parsed.text


def test_texts_from_outside_are_no_part_of_the_page(parsed: Parsed) -> None:
    """A file's name can be anything."""
    assert parsed.text.count("the file <script>alert(1)</script>") == 2


def test_every_figure_is_there_with_its_caption_and_words_for_who_cannot_see_it(
    parsed: Parsed,
) -> None:
    """By the paper's number, where it has one."""
    drawings = [attributes for tag, attributes in parsed.elements if tag == "svg"]
    title = "400 protocols drawn by a <source>"
    labels = [attributes["aria-label"] for attributes in drawings]
    assert labels == [f"Fig. 5: {title}", title]
    assert {attributes["role"] for attributes in drawings} == {"img"}
    assert "What fig5 shows." in parsed.text
    assert "What protocols-hmac shows." in parsed.text


def test_figures_have_the_colours_of_the_page_which_has_two_sets(text: str) -> None:
    """No colour is left that would stay as it is in the dark."""
    body = text.partition("<body>")[2]
    assert re.findall(r'[ :"]#[0-9a-f]{6}\b', body) == []
    for name, color in style.PALETTE.items():
        assert f"--{name}: {color};" in text
        assert f"--{name}: {style.DARK[name]};" in text


def test_the_same_reports_and_figures_give_the_same_page(text: str) -> None:
    """No date is in it."""
    assert page([REPORT], [plate("fig5", "Fig. 5"), plate("protocols-hmac")]) == text
