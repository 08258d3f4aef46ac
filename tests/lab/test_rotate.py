"""`sshknock rotate`: a new secret over SSH, and a pair that works wherever it was interrupted."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from tests.lab import Completed, eventually, faults
from tests.lab.conftest import OpenLab, Pair, make_pair
from tests.lab.faults import Step
from tests.lab.test_sync import open_back_door

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """A pair with a second way to the server; what is left admitted is soon admitted no more."""
    pair = make_pair(open_module_lab(), "--timeout", "3s")
    open_back_door(pair.server, pair.laptop)
    return pair


def client(pair: Pair) -> dict[str, Any]:
    """What the server says of the laptop: its ids, and whether a rotation is on its way."""
    (found,) = json.loads(pair.server.sshknock("client", "list", "--json").stdout)["clients"]
    return dict(found)


def assert_rotated(pair: Pair, done: Completed, before: list[str]) -> None:
    """The server knows a new secret and no other, and the next ssh needs one attempt."""
    assert done.code == 0, done
    assert "myserver has a new secret" in done.stdout, done
    assert "warning" not in done.stderr, done
    now = client(pair)
    assert (now["ids"] != before, len(now["ids"]), now["rotating"]) == (True, 1, False), now
    sent = pair.laptop.pairing()["sent"]
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    assert pair.laptop.pairing()["sent"] == sent + 1


def test_through_its_own_door(pair: Pair) -> None:
    """No other way is needed, and the old secret's next sequence opens nothing afterwards."""
    laptop, server = pair.laptop, pair.server
    laptop.ssh("myserver", "true")
    pair.in_step()
    before, unused = client(pair)["ids"], laptop.train(laptop.pairing()["confirmed"] + 2)
    assert_rotated(pair, laptop.sshknock("rotate", "myserver"), before)
    attacker = pair.lab.host("attacker")
    attacker.replay(server, unused)
    assert attacker.connects(server.ipv4) == "refused"


def test_by_another_way(pair: Pair) -> None:
    """`--via back`: only the proof goes by a knock."""
    before = client(pair)["ids"]
    assert_rotated(pair, pair.laptop.sshknock("rotate", "myserver", "--via", "back"), before)


def test_a_session_that_the_old_secret_opened_goes_on(pair: Pair) -> None:
    """And when it ends, both sides know."""
    cat = ["ssh", "-o", "BatchMode=yes", "myserver", "cat"]
    with pair.laptop.popen(cat, stdin=subprocess.PIPE) as session:
        eventually(lambda: pair.laptop.pairing()["sessions"] == 1, "a session runs")
        pair.laptop.sshknock("rotate", "myserver")
        assert session.running
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


def test_without_a_way_there_the_old_secret_stays(pair: Pair) -> None:
    """One clear line, and the next ssh works."""
    before = client(pair)["ids"]
    done = pair.laptop.sshknock("rotate", "myserver", "--via", "nowhere", check=False)
    assert (done.code, client(pair)["ids"]) == (1, before), done
    assert "cannot find the address of nowhere" in done.stderr
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


def rotate_under(pair: Pair, options: list[str], *way: str) -> str:
    """Run it under strace; return what strace wrote."""
    pair.laptop.run(faults.under(options, "sshknock", "rotate", "myserver", *way), check=False)
    return faults.settled(pair.laptop)


def files_in_place(log: str) -> list[str]:
    """Return the names that files took, in their order."""
    return re.findall(r'rename\(.*"([^"]*)"\)', log)


def works(pair: Pair, step: Step) -> None:
    """One plain ssh works, with whatever secret."""
    done = pair.laptop.ssh("myserver", "echo in", check=False)
    assert (done.code, done.stdout) == (0, "in\n"), f"after a kill at {step}: {done}"
    pair.in_step()


def ends_well(pair: Pair, step: Step, *way: str) -> None:
    """The same command again succeeds, and leaves one secret."""
    ended = pair.laptop.sshknock("rotate", "myserver", *way, check=False)
    assert ended.code == 0, f"after a kill at {step}: {ended}"
    works(pair, step)
    assert client(pair)["rotating"] is False, step


def test_killed_between_the_keyring_and_the_settings(pair: Pair) -> None:
    """The new secret is kept, and the settings still know the old one's id."""
    files = files_in_place(rotate_under(pair, ["--trace=rename"]))
    (number,) = (n for n, file in enumerate(files, start=1) if file.endswith("/config.toml"))
    step = Step("rename", number)
    before = client(pair)["ids"]
    assert faults.struck(rotate_under(pair, step.killed()))
    assert client(pair)["ids"][:1] == before
    assert client(pair)["rotating"] is True
    done = pair.laptop.sshknock("rotate", "myserver")
    assert "the rotation that was broken off is complete" in done.stdout
    works(pair, step)
    assert client(pair)["rotating"] is False


@pytest.mark.long
@pytest.mark.parametrize(
    ("way", "stride"), [([], 3), (["--via", "back"], 4)], ids=["own door", "another way"]
)
def test_killed_before_any_file_takes_its_place(pair: Pair, way: list[str], stride: int) -> None:
    """One plain ssh works, with whatever secret; and the same command again ends it well."""
    last = len(files_in_place(rotate_under(pair, ["--trace=rename"], *way)))
    for number, nth in enumerate(range(last, 0, -stride)):
        step = Step("rename", nth)
        assert faults.struck(rotate_under(pair, step.killed(), *way)), step
        if number % 2:
            works(pair, step)
        ends_well(pair, step, *way)
