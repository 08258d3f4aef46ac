"""The man pages, as man shows them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from contrib.manual.share import write
from sshknock.cli.program import program as client
from sshknock.client.proxy_main import USAGE
from sshknock.server.cli.program import program as server
from sshknock.server.hook import HELP

MANDOC = shutil.which("mandoc") or "mandoc"
pytestmark = pytest.mark.skipif(shutil.which("mandoc") is None, reason="needs mandoc")

PAGES = (
    "man1/sshknock.1",
    "man1/sshknock-proxy.1",
    "man8/sshknock-server.8",
    "man8/sshknock-hook.8",
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages."""
    folder = tmp_path_factory.mktemp("share")
    write(folder)
    return folder / "man"


def shown(page: Path, *, device: str = "ascii") -> str:
    """What a reader sees, on a terminal without marks and wide enough for any line."""
    formatted = subprocess.run(
        [MANDOC, "-T", device, "-O", "width=1000", page],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(".\b", "", formatted.stdout)


def words(command: click.Command, path: str) -> Iterator[str]:
    """Everything that can be typed: commands, and their options."""
    if isinstance(command, click.Group):
        for name, sub in command.commands.items():
            yield from words(sub, f"{path} {name}")
        return
    yield path
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield max(parameter.opts, key=len)


@pytest.mark.parametrize("name", PAGES)
def test_man_has_nothing_to_complain_of(pages: Path, name: str) -> None:
    """But the missing date: the same source makes the same page."""
    done = subprocess.run(
        [MANDOC, "-T", "lint", "-W", "warning", pages / name],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert complaints == []


@pytest.mark.parametrize(
    ("name", "path", "program"),
    [(PAGES[0], "sshknock", client), (PAGES[2], "sshknock-server", server)],
)
def test_every_command_and_option_is_there(
    pages: Path, name: str, path: str, program: click.Group
) -> None:
    """With the whole help of each command."""
    text = shown(pages / name)
    assert [word for word in words(program, path) if word not in text] == []
    first = next(iter(program.commands.values())).help or ""
    assert " ".join(first.partition("\n\n")[0].split()) in text


@pytest.mark.parametrize(("name", "usage"), [(PAGES[1], USAGE), (PAGES[3], HELP)])
def test_the_machines_programs_have_pages_too(pages: Path, name: str, usage: str) -> None:
    """Each line of their help that explains a word is in the page."""
    text = shown(pages / name)
    lines = re.findall(r"^  (\S.*?) {2,}(\S.*)$", usage, re.MULTILINE)
    assert len(lines) >= 3
    assert [word for line in lines for word in line if word not in text] == []


def test_what_is_typed_can_be_copied(pages: Path) -> None:
    """Hyphens and quotes are those of the keyboard, also where man has better ones for print."""
    text = shown(pages / PAGES[0], device="utf8")
    assert "--token-file" in text
    assert "server's" in text
