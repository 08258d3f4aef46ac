"""``--install``: what a server lacks is told, and nothing is done there without a yes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sshknock.client import config
from sshknock.client.config import Pairing
from sshknock.client.enrolment import notes, over_ssh
from sshknock.client.enrolment.order import Order
from sshknock.client.remote.errors import NoRights, RemoteFailed
from sshknock.client.state import PairingState, Store
from sshknock.errors import SshknockError
from tests.client.conftest import SECRET
from tests.client.door import PARAMETERS
from tests.client.enrolment.test_over_ssh import Nobody, Somebody, far
from tests.client.remote.far import Reply

LOOKED = {
    "theirs": None,
    "version": None,
    "missing": [],
    "packages": ["nftables", "knockd"],
    "apt": True,
    "set_up": False,
}
LACKING = {**LOOKED, "missing": ["nft", "knockd"]}
PYTHON = "/usr/bin/python3"


class Machine:
    """A server that answers the installer's look, and nothing after it."""

    def __init__(self, reply: Reply, user: int = 0) -> None:
        self.tasks: list[str] = []
        self._reply = reply
        self._user = user

    def __call__(self, words: list[str], stdin: str) -> Reply:
        """Answer one command line."""
        if words == ["id", "-u"]:
            return 0, f"{self._user}\n", ""
        assert PYTHON in words, words
        if self._user:
            return self._reply
        self.tasks.append(json.loads(stdin.split("\n", 1)[0].removeprefix("sshknock "))["do"])
        if self.tasks[1:]:
            return 0, json.dumps({"error": "no more"}), ""
        return self._reply


def install(
    home: Path, machine: Machine, asker: Nobody | None = None, *, yes: bool = False
) -> SshknockError:
    """Try it; return why it came to nothing."""
    order = Order("box", "back", called="laptop", keyring="file", install=True, yes=yes)
    for _ in far(home, machine):
        with pytest.raises(SshknockError) as caught:
            over_ssh.enroll_via(order, asker or Nobody(), print)
    return caught.value


def looked(values: Mapping[str, object]) -> Reply:
    """The installer's answer."""
    return 0, json.dumps(values), ""


NOT_FIT = {
    "Python is too old": ((1, "", "sshknock: its Python is 3.9\n"), "needs Python 3.10", "newer"),
    "no Python": ((127, "", f"env: '{PYTHON}': No such file or directory\n"), "no /usr", "3.10"),
    "no apt": (looked({**LACKING, "apt": False}), "lacks nft and knockd", "install them there"),
    "somebody else's": (looked({**LOOKED, "theirs": "/opt/sshknock"}), "not of this", "ln -s"),
    "nonsense": ((0, "hello\n", ""), "gave no answer", None),
}


@pytest.mark.parametrize(("reply", "said", "hint"), NOT_FIT.values(), ids=NOT_FIT.keys())
def test_what_keeps_it_from_being_installed_is_told(
    home: Path, reply: Reply, said: str, hint: str | None
) -> None:
    """After the look; nothing else was asked for."""
    machine = Machine(reply)
    error = install(home, machine)
    assert isinstance(error, RemoteFailed)
    assert said in error.message
    assert hint is None or hint in str(error.hint)
    assert machine.tasks == ["look"]


def test_a_sudo_that_allows_no_python_is_told(home: Path) -> None:
    """It is a matter of rights, and not of Python."""
    denied = Machine((1, "", "Sorry, user ann is not allowed to execute ...\n"), user=1000)
    error = install(home, denied)
    assert isinstance(error, NoRights)
    assert PYTHON in error.message


@pytest.mark.parametrize("set_up", [True, False], ids=["another's clients", "no clients"])
def test_a_pairing_is_not_tried_on_another_server(home: Path, set_up: bool) -> None:
    """It would hide that port, and knock at this one: nothing is brought there."""

    class Known(Machine):
        def __call__(self, words: list[str], stdin: str) -> Reply:
            if "list" in words:
                return 0, json.dumps({"clients": []}), ""
            return super().__call__(words, stdin)

    machine = Known(looked({**LOOKED, "set_up": set_up, "version": "sshknock-server 1"}))
    made = notes.begin("box", "back", "laptop").pairing_id  # cut off before its proof
    with config.changing() as known:
        known.pairings["box"] = Pairing("box", ("192.0.2.7",), 22, "file", made)
    Store(known.pairings["box"]).save(PairingState(made, SECRET, PARAMETERS))
    error = install(home, machine)
    assert "box is a pairing with 192.0.2.7, and back does not know it" in error.message
    assert machine.tasks == ["look"]


@pytest.mark.parametrize("asker", [Nobody(), Somebody(answer=False)], ids=["nobody", "no"])
def test_packages_are_not_installed_without_a_yes(home: Path, asker: Nobody) -> None:
    """It is told which, and that ``--yes`` answers."""
    machine = Machine(looked(LACKING))
    error = install(home, machine, asker)
    assert "lacks nft and knockd" in error.message
    assert "--yes" in str(error.hint)
    assert machine.tasks == ["look"]


@pytest.mark.parametrize(("hiding", "hidden"), [("trial over", True), ("unhidden", False)])
def test_a_trial_that_is_over_begins_anew(home: Path, hiding: str, hidden: bool) -> None:
    """The proof has failed once, and the same command is given again; what a person did stays."""
    commands: list[list[str]] = []

    def answer(words: list[str], _stdin: str) -> Reply:
        commands.append(words)
        if words == ["id", "-u"]:
            return 0, "0\n", ""
        if PYTHON in words:
            return looked({**LOOKED, "set_up": True, "version": "9", "theirs": "/usr/sbin/x"})
        return (0, json.dumps({"hiding": hiding}), "") if "status" in words else (1, "", "")

    order = Order("box", "back", called="laptop", keyring="file", install=True, trial_s=300)
    for _ in far(home, answer):
        with pytest.raises(SshknockError):
            over_ssh.enroll_via(order, Nobody(), print)
    assert (["sshknock-server", "hide", "--trial", "300s"] in commands) == hidden


@pytest.mark.parametrize("yes", [True, False], ids=["--yes", "a yes"])
def test_packages_are_installed_after_a_yes(home: Path, yes: bool) -> None:
    """Theirs at the terminal, or ``--yes``; what goes wrong then is told."""
    machine = Machine(looked(LACKING))
    error = install(home, machine, None if yes else Somebody(answer=True), yes=yes)
    assert machine.tasks == ["look", "packages"]
    assert "no more" in error.message
