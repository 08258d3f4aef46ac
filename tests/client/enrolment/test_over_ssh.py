"""``enroll --via``: what is made on both sides, and what is left when it is cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshknock.client import config, ssh_config
from sshknock.client.enrolment import notes, over_ssh
from sshknock.client.enrolment.order import Order
from sshknock.client.keyrings.file import FileStore, keyring_folder
from sshknock.client.remote.errors import NotInstalled, NotReached, NotSetUp
from sshknock.client.state import PairingState
from sshknock.errors import BadInput, NotOpened, SshknockError, UsageError
from sshknock.protocol.token import Token
from sshknock.records import replace
from tests.client.conftest import MODULE, PAIRING_ID, SECRET, TOKEN, assert_says, sshknock
from tests.client.door import HOST, PARAMETERS
from tests.client.enrolment.box import Box
from tests.client.remote.far import Answer, FarServer, Reply

ORDER = Order("box", "back", called="laptop", keyring="file", block=False)


class Nobody:
    """There is no terminal."""

    def password(self, _prompt: str) -> str | None:
        """Have nobody to ask."""
        return None

    def agrees(self, _question: str) -> bool | None:
        """Have nobody to ask."""
        return None


class Somebody(Nobody):
    """Gives one answer to every question, and notes them."""

    def __init__(self, answer: bool) -> None:
        self.questions: list[str] = []
        self._answer = answer

    def agrees(self, question: str) -> bool | None:
        """Answer."""
        self.questions.append(question)
        return self._answer


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No door opens here, and that need not be waited for."""
    monkeypatch.setattr("sshknock.client.opening.RUN_S", 0.5)


def far(home: Path, answer: Answer) -> Iterator[FarServer]:
    """Yield a far server that ssh's settings call ``back``."""
    with FarServer(home, answer) as server:
        server.configure("Host back\n@\n")
        yield server


def enroll(order: Order = ORDER, asker: Nobody | None = None) -> list[str]:
    """Enrol, and return the steps that were told; the proof fails, for there is no door."""
    steps: list[str] = []
    with pytest.raises(NotOpened, match="box is enrolled, but its proof failed"):
        over_ssh.enroll_via(order, asker or Nobody(), steps.append)
    return steps


def kept() -> str | None:
    """What the keyring has."""
    return FileStore(keyring_folder(), "sshknock").get("box")


def assert_nothing_is_left(box: Box) -> None:
    """Neither there nor here."""
    assert box.names == []
    assert config.load().pairings == {}
    assert kept() is None
    assert notes.find("box") is None


def test_a_proof_that_fails_leaves_a_whole_pairing_and_the_next_run_goes_on(home: Path) -> None:
    """It makes no second client: it writes the block, and knocks again."""
    box = Box()
    for server in far(home, box):
        steps = enroll()
        assert "adding this machine as laptop" in steps
        made = config.load().pairings["box"]
        assert box.clients[0]["ids"] == [made.pairing_id]
        assert len(server.commands) == 3
        steps = enroll()
        assert "adding this machine as laptop" not in steps
        assert len(server.commands) == 3
    assert config.load().pairings["box"] == made


def test_the_server_has_no_say_in_where_we_knock(home: Path) -> None:
    """Its token may name whom it likes: the trains would go there."""
    box = Box(lambda: (0, json.dumps({"token": elsewhere(box).encode()}), ""))
    for _ in far(home, box):
        enroll()
    assert config.load().pairings["box"].hosts == (HOST,)


def elsewhere(box: Box) -> Token:
    """The token that was asked for, but of another server."""
    return replace(TOKEN, pairing_id=box.clients[0]["ids"][0], hosts=("192.0.2.66",), port=1)


def test_a_user_of_two_words_stays_one_user(home: Path) -> None:
    """As domains have them: the settings can be read again, and so can the Host block."""
    with FarServer(home, Box()) as server:
        server.configure('Host back\n@\n    User "ann lee"\n')
        enroll()
    pairing = config.load().pairings["box"]
    assert pairing.user == "ann lee"
    assert '    User "ann lee"\n' in ssh_config.block(pairing)


def test_a_file_whose_name_cannot_stand_in_a_block_ends_it_well(home: Path) -> None:
    """The settings would not be readable any more; nothing is made on either side."""
    box = Box()
    with FarServer(home, box) as server:
        key = home / '.ssh/my"key'
        (home / ".ssh/id_ed25519").rename(key)
        server.configure("Host back\n@\n    IdentityFile '~/.ssh/my\"key'\n")
        with pytest.raises(BadInput, match="identity_files cannot be"):
            over_ssh.enroll_via(ORDER, Nobody(), print)
    assert_nothing_is_left(box)


@pytest.mark.parametrize("install", [False, True], ids=["alone", "--install"])
def test_a_name_that_is_enrolled_is_refused_before_anything_is_reached(
    home: Path, install: bool
) -> None:
    """The way of the first time is shut by now: trying it would look like a lock-out."""
    for _ in far(home, Box()):
        enroll()
    notes.end("box")
    with pytest.raises(UsageError, match="box is enrolled already: ssh box") as caught:
        over_ssh.enroll_via(replace(ORDER, install=install), Nobody(), print)
    for word in ("enroll box --via box --install", "rotate box"):
        assert word in str(caught.value.hint)


def test_a_way_that_does_not_answer_may_be_hidden_already(home: Path) -> None:
    """Then another pairing leads in, or a way past the hidden port."""
    for _ in far(home, Box()):
        pass
    with pytest.raises(NotReached, match="back does not answer") as caught:
        over_ssh.enroll_via(ORDER, Nobody(), print)
    assert "may be hidden already: then --via another pairing" in str(caught.value.hint)


def test_a_client_of_that_name_is_somebody_elses(home: Path) -> None:
    """It is refused before anything is made, by whatever case it is written in."""
    box = Box()
    box.add("Laptop", "f" * 16)
    for _ in far(home, box):
        with pytest.raises(UsageError, match="a client 'laptop' already") as caught:
            over_ssh.enroll_via(ORDER, Nobody(), print)
    assert "--as" in str(caught.value.hint)
    assert box.names == ["Laptop"]
    assert notes.find("box") is None


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_interrupted_while_the_server_makes_it_all_is_taken_back(
    home: Path, number: signal.Signals, code: int
) -> None:
    """The answer is waited for: before it, nobody knows what there is to take back."""
    started: list[subprocess.Popen[str]] = []

    def interrupt() -> None:
        started[0].send_signal(number)

    box = Box(interrupt)
    words = ["enroll", "box", "--via", "back", "--as", "laptop", "--keyring", "file"]
    for _ in far(home, box):
        with subprocess.Popen(
            [sys.executable, "-m", MODULE, *words], stderr=subprocess.PIPE, text=True
        ) as process:
            started.append(process)
            _, stderr = process.communicate(timeout=30)
    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    assert_nothing_is_left(box)


def test_a_keyring_that_fails_leaves_nothing_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token could not be kept: its client goes, and the reason is told."""
    box = Box()

    def full(*_: object) -> None:
        raise SshknockError("the disk is full")

    monkeypatch.setattr(FileStore, "set", full)
    for _ in far(home, box):
        with pytest.raises(SshknockError, match="the disk is full"):
            over_ssh.enroll_via(ORDER, Nobody(), print)
    assert_nothing_is_left(box)


def test_what_an_enrolment_that_was_killed_has_left_is_cleared_by_the_next(home: Path) -> None:
    """By the id, there and in the keyring: under another name there, it is still ours."""
    note = notes.begin("box", "back", "laptop")
    state = PairingState(note.pairing_id, SECRET, PARAMETERS)
    FileStore(keyring_folder(), "sshknock").set("box", state.encode())
    box = Box()
    box.add("laptop", note.pairing_id)
    box.add("other", PAIRING_ID)
    for _ in far(home, box):
        enroll()
    assert box.names == ["other", "laptop"]
    assert config.load().pairings["box"].pairing_id != note.pairing_id


def test_a_client_that_has_opened_a_door_is_never_removed(home: Path) -> None:
    """Then somebody has its token after all."""
    note = notes.begin("box", "back", "elsewhere")
    box = Box()
    box.add("elsewhere", note.pairing_id, next=1, last_open=1_700_000_000)
    for _ in far(home, box):
        enroll()
    assert box.names == ["elsewhere", "laptop"]


def test_a_connection_that_breaks_leaves_a_note(home: Path) -> None:
    """What the server has made cannot be taken back now: the next run does it."""
    server: list[FarServer] = []

    def vanish() -> Reply:
        server[0].vanish()
        return 0, "", ""

    box = Box(vanish)
    for one in far(home, box):
        server.append(one)
        with pytest.raises(NotReached):
            over_ssh.enroll_via(ORDER, Nobody(), print)
    note = notes.find("box")
    assert note is not None
    assert box.clients[0]["ids"] == [note.pairing_id]
    assert config.load().pairings == {}


NOT_READY = {
    "no program": ((127, "", "env: no such file\n"), NotInstalled, "--install"),
    "not set up": ((1, "", "sshknock: this server is not set up\n"), NotSetUp, "init --trial"),
}


@pytest.mark.parametrize(("reply", "kind", "hint"), NOT_READY.values(), ids=NOT_READY.keys())
def test_what_the_server_lacks_is_told(
    home: Path, reply: Reply, kind: type[SshknockError], hint: str
) -> None:
    """And what to do about it; nothing was made."""

    def answer(words: list[str], _stdin: str) -> Reply:
        return (0, "0\n", "") if words == ["id", "-u"] else reply

    for _ in far(home, answer):
        with pytest.raises(kind) as caught:
            over_ssh.enroll_via(ORDER, Nobody(), print)
    assert hint in str(caught.value.hint)
    assert notes.find("box") is None


def test_an_unknown_host_key_is_shown_and_learnt(home: Path) -> None:
    """As ssh does it: its fingerprint, a yes, a line in known_hosts."""
    known = home / ".ssh/known_hosts"
    for _ in far(home, Box()):
        line = known.read_text()
        known.write_text("other.example ssh-ed25519 AAAA")
        asker = Somebody(answer=True)
        enroll(asker=asker)
        assert known.read_text() == f"other.example ssh-ed25519 AAAA\n{line}"
    (question,) = asker.questions
    _, fingerprint, how, asked = question.split("\n")  # none of them is broken by a terminal
    assert fingerprint.strip().startswith("SHA256:")
    assert fingerprint[-1].isalnum() or fingerprint[-1] in "+/"
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in how
    assert asked == "Is that the right one?"


@pytest.mark.parametrize("asker", [Nobody(), Somebody(answer=False)], ids=["nobody", "no"])
def test_an_unknown_host_key_is_not_believed_without_a_yes(home: Path, asker: Nobody) -> None:
    """Nothing is run there, and nothing is learnt."""
    known = home / ".ssh/known_hosts"
    for server in far(home, Box()):
        known.write_text("")
        with pytest.raises(NotReached, match="is not in known_hosts"):
            over_ssh.enroll_via(ORDER, asker, print)
        assert server.commands == []
    assert known.read_text() == ""


def test_another_host_key_is_never_asked_about(home: Path) -> None:
    """Somebody may be in between: that is no question for a yes."""
    known = home / ".ssh/known_hosts"
    asker = Somebody(answer=True)
    for server in far(home, Box()):
        name, kind, _ = known.read_text().split()[:3]
        other = "AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DMROIyjEAYmGMwXuM8Yyjjmyb9uYVxU"
        known.write_text(f"{name} {kind} {other}\n")
        with pytest.raises(NotReached, match="is another one than known_hosts has"):
            over_ssh.enroll_via(ORDER, asker, print)
        assert server.commands == []
    assert asker.questions == []


WRONG = {
    "no way": ((), "--via or --token-file"),
    "both ways": (("--via", "back", "--token-file", "-"), "leave --token-file"),
    "--install by token": (("--token-file", "-", "--install"), "--install goes with --via"),
    "--as by token": (("--token-file", "-", "--as", "x"), "--as goes with --via"),
    "--trial alone": (("--via", "back", "--trial", "5m"), "--trial goes with --install"),
    "a name that is none": (("--via", "back", "--as", "a b"), "no name for a pairing"),
    "a host that is none": (("--via", "back", "--host", "a b"), "no host name"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_go_together_is_exit_2(home: Path, words: tuple[str, ...], said: str) -> None:
    """One line and a hint, before anything else."""
    assert_says(sshknock("enroll", "box", *words), 2, said)
    assert list(home.iterdir()) == []
