"""All figures by name, made and written: the paper's 2 to 7, and beside them the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sshknock.analysis.figures import catalogue, style
from sshknock.analysis.figures.material import Material


@dataclass(frozen=True, slots=True)
class Plate:
    """A finished figure.

    ``name`` is its file's without ``.svg``, ``number`` is the paper's or "", ``caption`` says what
    to see in it.
    """

    name: str
    number: str
    title: str
    caption: str
    svg: str

    @property
    def heading(self) -> str:
        """The title, behind the figure's number where the paper has it."""
        return f"{self.number}: {self.title}" if self.number else self.title


def plates(material: Material) -> Iterator[Plate]:
    """Make one figure after the other; raise BadInput for parameters whose orbit escapes."""
    for entry in catalogue.ENTRIES:
        with style.styled():
            sheet = entry.draw(material)
        yield Plate(entry.name, entry.number, sheet.title, entry.caption, sheet.svg())


def write_all(folder: Path, drawn: Iterable[Plate]) -> list[Path]:
    """Write figures into a folder, which is made if it is not there; return their files.

    Raises OSError when one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for plate in drawn:
        file = folder / f"{plate.name}.svg"
        file.write_text(plate.svg, encoding="utf-8", newline="\n")
        written.append(file)
    return written
