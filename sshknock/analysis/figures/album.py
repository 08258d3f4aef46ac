"""All figures by name: the paper's 2 to 7, and beside them those of the other generators."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plate:
    """A finished figure. ``name`` is its file's without ``.svg``, ``number`` the paper's or ""."""

    name: str
    number: str
    title: str
    caption: str
    svg: str

    @property
    def heading(self) -> str:
        """The title, behind the figure's number where the paper has it."""
        return f"{self.number}: {self.title}" if self.number else self.title
