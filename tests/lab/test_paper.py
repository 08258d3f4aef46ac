"""The paper's section III, with its own programs: `contrib/demo.sh --paper`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.lab.demo.paper import Pace, figures
from tests.lab.demo.paper_servers import OurServer, StockServer, make_laptop
from tests.lab.demo.stage import Stage

pytestmark = pytest.mark.lab

FEW_PORTS = Pace(nmap="nmap -n --max-retries 0 -p 21-23,80")
FIGURES_8_AND_9 = [
    *("nmap", "80/tcp open http"),
    *("knock", "nmap", "22/tcp open ssh", "80/tcp open http"),
    *("knock", "nmap", "80/tcp open http"),
]


def seen(transcript: str) -> list[str]:
    """Pick from a transcript what the paper's figures show: its commands and the open ports."""
    found = re.findall(
        r"^ +(?:\S+\$ (nmap|knock) |(\d+/tcp +open +\S+)$)", transcript, re.MULTILINE
    )
    return [command or " ".join(port.split()) for command, port in found]


@pytest.mark.parametrize("kind", [OurServer, StockServer])
def test_nmap_sees_the_ssh_port_from_the_open_sequence_to_the_close_sequence(
    lab: Lab, kind: type[OurServer | StockServer], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the program `knock`, on a server of ours and on a stock knockd; ssh logs in between."""
    stage, laptop = Stage(colour=False), make_laptop(lab)
    figures(stage, kind(stage, lab, laptop), laptop, FEW_PORTS)
    transcript = capsys.readouterr().out
    assert seen(transcript) == FIGURES_8_AND_9
    opening, closing = re.findall(r"\$ knock \S+ (.+)$", transcript, re.MULTILINE)
    for sequence in (opening, closing):
        assert re.fullmatch(r"(\d+:(tcp|udp) ?){4,6}", sequence)
    assert opening != closing


@pytest.mark.long
def test_the_demo_holds_from_its_first_claim_to_its_last() -> None:
    """With all ports that nmap tries, replays of the open sequences, and what `auto` answers."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.demo", "--paper"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT SO" not in done.stdout
    assert done.stdout.count("Not shown: 999 filtered tcp ports") == 4
    assert done.stdout.count("Not shown: 998 filtered tcp ports") == 2
