"""Figures as parts of a page: an SVG file becomes an element that gets along with its neighbours.

Identifiers count for the whole page and so does a style sheet, so the former get a prefix and the
latter goes. Colours become variables of the page, which gives them other values in the dark.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # our own figures are read, nobody else's
from collections.abc import Mapping

_DROPPED = {"metadata", "style", "title"}
_DROPPED_OF_ROOT = {"height", "version", "width"}


def inlined(svg: str, prefix: str, label: str, palette: Mapping[str, str]) -> str:
    """Return the SVG as an element of an HTML page.

    ``prefix`` is its own among the page's figures, ``label`` is for who cannot see it, and
    ``palette`` names the colours that the page has as variables.
    """
    root = ET.fromstring(svg)  # noqa: S314  made by us a moment ago
    for element in root.iter():
        element.tag = _local(element.tag)
        for child in [child for child in element if _local(child.tag) in _DROPPED]:
            element.remove(child)
        element.attrib = {
            _local(name): _ours(_local(name), value, prefix, palette)
            for name, value in element.attrib.items()
        }
    for name in _DROPPED_OF_ROOT & set(root.attrib):
        del root.attrib[name]
    root.attrib.update(role="img", **{"aria-label": label})
    return ET.tostring(root, encoding="unicode")


def _local(name: str) -> str:
    """Return a name without its namespace: in HTML an ``svg`` element brings its own."""
    return name.rpartition("}")[2]


def _ours(name: str, value: str, prefix: str, palette: Mapping[str, str]) -> str:
    """Return the value of an attribute as it is within the page."""
    if name == "id":
        return f"{prefix}-{value}"
    if name == "href":
        return f"#{prefix}-{value[1:]}" if value.startswith("#") else value
    value = value.replace("url(#", f"url(#{prefix}-")
    for variable, color in palette.items():
        value = value.replace(color, f"var(--{variable})")
    return value
