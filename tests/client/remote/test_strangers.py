"""A host whose key nobody knows, on the way of commands that go by ``--via``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sshknock.client import rotate, sync
from sshknock.client.push import pushing
from sshknock.client.remote.errors import NotReached
from sshknock.client.remote.strangers import Agrees
from sshknock.errors import SshknockError
from sshknock.protocol.parameters import Parameters
from tests.client.remote.far import FarServer, Reply

VIA = "root@back"
Command = Callable[[FarServer, Agrees], object]


def push(_far: FarServer, agrees: Agrees) -> object:
    """Push for the first time."""
    new = pushing.NewServer(None, None, "file", Parameters(), 10)
    way = pushing.Way(VIA, None, None, scp=False, anew=False)
    return pushing.push_first("new", new, way, count=10, ask=no_password, agrees=agrees)


def sync_pairing(far: FarServer, agrees: Agrees) -> object:
    """Get back in step."""
    pairing = far.pair().pairing
    return sync.ask_server(pairing, via=VIA, called=None, ask=no_password, agrees=agrees)


def rotate_pairing(far: FarServer, agrees: Agrees) -> object:
    """Get a new secret."""
    pairing = far.pair().pairing
    return rotate.rotate(pairing, via=VIA, ask=no_password, tell=print, agrees=agrees)


COMMANDS = pytest.mark.parametrize("command", [push, sync_pairing, rotate_pairing])


def no_password(prompt: str) -> None:
    """Be asked for nothing."""
    raise AssertionError(prompt)


def answer(words: list[str], _stdin: str) -> Reply:
    """Be root there, and of no more use."""
    return (0, "0\n", "") if words == ["id", "-u"] else (0, "something else\n", "")


@pytest.fixture
def far(home: Path) -> Iterator[FarServer]:
    """Return a server that ssh's settings call ``back``, and whose key nobody knows."""
    with FarServer(home, answer) as server:
        server.configure("Host back\n@\n")
        (home / ".ssh/known_hosts").write_text("")
        yield server


@COMMANDS
def test_an_unknown_host_key_is_shown_and_learnt(
    home: Path, far: FarServer, command: Command
) -> None:
    """After a yes it goes on, and gets in; then nobody is asked any more."""
    questions: list[str] = []

    def agrees(question: str) -> bool:
        questions.append(question)
        return True

    for _ in range(2):
        with pytest.raises(SshknockError) as caught:  # what it finds there is of no use
            command(far, agrees)
        assert not isinstance(caught.value, NotReached)
    (question,) = questions
    assert question.startswith(f"the host key of {VIA} is not known yet: ")
    assert "SHA256:" in question
    assert (home / ".ssh/known_hosts").read_text().startswith(f"[127.0.0.1]:{far.port} ")
    assert ["id", "-u"] in far.commands


@COMMANDS
@pytest.mark.parametrize("said", [None, False], ids=["nobody", "no"])
def test_without_a_yes_it_ends_with_the_command_that_learns_it(
    home: Path, far: FarServer, command: Command, said: bool | None
) -> None:
    """Nothing is run there, and nothing is learnt."""
    with pytest.raises(NotReached, match=f"the host key of {VIA} is not in known_hosts") as caught:
        command(far, lambda _question: said)
    assert f"'ssh {VIA}'" in str(caught.value.hint)
    assert far.commands == []
    assert (home / ".ssh/known_hosts").read_text() == ""
