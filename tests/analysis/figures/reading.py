"""What a figure says: its texts and where they are."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import combinations

from matplotlib.text import Text

from sshknock.analysis.figures.style import Sheet

_TOUCH = 1.0  # points by which the boxes of two texts may meet


def texts(sheet: Sheet) -> list[Text]:
    """All texts of a figure that are shown; ticks beyond the end of their axis are not."""
    sheet.figure.draw_without_rendering()
    beyond = {
        label
        for axes in sheet.figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }
    return [
        found
        for found in sheet.figure.findobj(Text)
        if isinstance(found, Text)
        and found.get_visible()
        and found.get_text().strip()
        and found not in beyond
    ]


def collisions(sheet: Sheet) -> list[tuple[str, str]]:
    """The pairs of texts that lie over each other."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(sheet)]
    return [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > _TOUCH and min(a.y1, b.y1) - max(a.y0, b.y0) > _TOUCH
    ]


def cut_off(sheet: Sheet) -> list[str]:
    """The texts that reach beyond the figure's edges."""
    edges = sheet.figure.bbox
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(sheet)]
    return [
        text
        for text, box in boxes
        if box.x0 < edges.x0 or box.y0 < edges.y0 or box.x1 > edges.x1 or box.y1 > edges.y1
    ]


def labels(svg: str) -> list[str]:
    """The texts of a file, which has each of them as a comment before its paths.

    Those of ticks are left out: where a plain axis has them is matplotlib's choice.
    """
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))  # noqa: S314  our own
    return list(_texts_within(ET.fromstring(svg, parser)))  # noqa: S314


def _texts_within(element: ET.Element) -> Iterator[str]:
    for child in element:
        if callable(child.tag):  # a comment has the function that makes one
            yield (child.text or "").strip()
        elif not child.get("id", "").startswith(("xtick_", "ytick_")):
            yield from _texts_within(child)
