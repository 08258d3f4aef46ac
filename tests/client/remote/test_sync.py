"""``sync`` over SSH: what is run there, what is believed, and what stays when it goes wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sshknock.client import sync
from sshknock.client.remote.errors import NoRights, NotReached, RemoteFailed
from sshknock.client.state import lock_file
from sshknock.errors import BadInput, NoSuchPairing, SshknockError
from sshknock.protocol.counters import ClientCounters, accepted, attempts_of_a_run
from sshknock.records import replace
from sshknock.system.files import locked
from tests.client.conftest import MODULE, PAIRING_ID, assert_says, run_code, sshknock
from tests.client.door import PARAMETERS
from tests.client.remote.far import FarServer, Reply
from tests.client.remote.program import Server


def never(_prompt: str) -> str | None:
    """Be no terminal."""
    return None


def test_the_server_moves_and_we_follow(home: Path) -> None:
    """Next is what was never sent, and both are there; root needs no sudo."""
    server = Server(next_=3)
    with FarServer(home, server) as far:
        store = far.pair(confirmed=2, sent=20)
        met = sync.ask_server(store.pairing, via=None, called=None, ask=never)
    assert (server.next, met.counter, met.warning("box")) == (21, 20, None)
    assert store.load().counters == ClientCounters(20, 20, strong=20)
    assert all("sudo" not in words for words in far.commands)


def test_a_server_that_is_ahead_is_followed_with_a_warning(home: Path) -> None:
    """It accepted what this machine never sent: perhaps somebody else's."""
    with FarServer(home, Server(next_=100)) as far:
        store = far.pair(confirmed=2, sent=4)
        done = sshknock("sync", "box")
    assert done.returncode == 0, done.stderr
    assert "the next counter is 100" in done.stdout
    assert "the server's counter was higher than this machine ever sent" in done.stderr
    assert store.load().counters == ClientCounters(99, 99, strong=99)


def test_a_fresh_pair_stays_fresh(home: Path) -> None:
    """Nothing was ever sent: the first counter is still 0."""
    with FarServer(home, Server()) as far:
        store = far.pair()
        assert sync.ask_server(store.pairing, via=None, called=None, ask=never).counter == -1
    assert store.load().counters == ClientCounters()


def test_sudos_password_goes_by_standard_input_and_is_asked_for_once(home: Path) -> None:
    """No argument there ever holds it."""
    prompts = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "tulip"

    with FarServer(home, Server(user=1000, password="tulip")) as far:
        store = far.pair(confirmed=0, sent=0)
        sync.ask_server(store.pairing, via=None, called=None, ask=ask)
    assert len(prompts) == 1
    assert not any("tulip" in word for words in far.commands for word in words)
    assert far.inputs.count("tulip\n") == 2


@pytest.mark.parametrize("called", [None, "laptop"])
def test_nobody_is_asked_for_anything_while_an_ssh_has_to_wait(
    home: Path, called: str | None
) -> None:
    """Who is asked for a password may be at lunch: the pairing's lock is not held meanwhile."""
    free = []

    def ask(_prompt: str) -> str:
        with locked(lock_file("box"), timeout_s=0):
            free.append(True)
        return "tulip"

    with FarServer(home, Server(next_=3, user=1000, password="tulip")) as far:
        store = far.pair(confirmed=2, sent=20)
        sync.ask_server(store.pairing, via=None, called=called, ask=ask)
    assert free == [True]
    assert store.load().counters.confirmed == 20


def test_a_wrong_password_is_asked_for_three_times(home: Path) -> None:
    """Then it is a matter of rights."""
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "rose"

    with FarServer(home, Server(user=1000, password="tulip")) as far:
        store = far.pair(confirmed=0, sent=0)
        with pytest.raises(NoRights):
            sync.ask_server(store.pairing, via=None, called=None, ask=ask)
    assert len(prompts) == 3


def test_as_spares_the_look_at_the_list(home: Path) -> None:
    """``--as``: for a sudo rule that allows nothing but that one command."""
    with FarServer(home, Server()) as far:
        far.pair(confirmed=0, sent=0)
        assert sshknock("sync", "box", "--as", "laptop").returncode == 0
    assert not any("list" in words for words in far.commands)


def test_as_of_a_name_that_is_not_there_is_exit_3(home: Path) -> None:
    """What the server says of it, and that it could have been asked for the name."""
    unknown = Lying((3, "", "sshknock: there is no client 'lap'\nsshknock: hint: list\n"))
    with FarServer(home, unknown) as far:
        far.pair(confirmed=0, sent=0)
        done = sshknock("sync", "box", "--as", "lap")
        assert_says(done, 3, "there is no client 'lap'", "leave --as out")
        assert_says(sshknock("sync", "box", "--as", "a b"), 2)


class Lying(Server):
    """Answers the command that moves it in another way."""

    def __init__(self, reply: Reply | None) -> None:
        super().__init__()
        self.reply = reply

    def run(self, words: list[str]) -> Reply | None:
        """Give the wrong answer, but for the list."""
        return super().run(words) if "list" in words else self.reply


FAILURES: dict[str, tuple[Reply, type[SshknockError], str]] = {
    "a counter that would go back": ((0, '{"next": 5}', ""), BadInput, "cannot be"),
    "no counter": ((0, '{"next": true}', ""), BadInput, "cannot be"),
    "one beyond all": ((0, f'{{"next": {1 << 62}}}', ""), BadInput, "cannot be"),
    "JSON without an end": ((0, "[" * 200_000, ""), RemoteFailed, "gave no answer"),
    "no JSON": ((0, "hello", ""), RemoteFailed, "gave no answer"),
    "a list": ((0, "[]", ""), RemoteFailed, "gave no answer"),
    "its own complaint": (
        (1, "", "sshknock: this server is not set up\nsshknock: hint: init\n"),
        RemoteFailed,
        "this server is not set up",
    ),
    "not installed": (
        (127, "", "env: 'sshknock-server': No such file\n"),
        RemoteFailed,
        "not found",
    ),
    "a crash": ((1, "", "Segmentation fault\n"), RemoteFailed, "Segmentation fault"),
}


@pytest.mark.parametrize(("reply", "kind", "word"), FAILURES.values(), ids=FAILURES.keys())
def test_what_cannot_be_is_not_believed(
    home: Path, reply: Reply, kind: type[SshknockError], word: str
) -> None:
    """Our counters stay as they were, whatever the other side says."""
    with FarServer(home, Lying(reply)) as far:
        store = far.pair(confirmed=2, sent=9)
        with pytest.raises(kind, match=word):
            sync.ask_server(store.pairing, via=None, called=None, ask=never)
    assert store.load().counters == ClientCounters(2, 9)


def test_a_pairing_that_is_unknown_there_moves_nobody(home: Path) -> None:
    """Nobody has the id of our token."""
    server = Server(next_=7)
    server.clients.pop()
    with FarServer(home, server) as far:
        store = far.pair(confirmed=2, sent=9)
        with pytest.raises(NoSuchPairing, match="no pairing that is 'box' here"):
            sync.ask_server(store.pairing, via=None, called=None, ask=never)
    assert server.next == 7


ODD_LISTS: dict[str, object] = {
    "no ids": {"name": "laptop", "ids": None},
    "a number": {"name": "laptop", "ids": 5},
    "the id within a text": {"name": "laptop", "ids": f"zz{PAIRING_ID}zz"},
    "no name": {"name": None, "ids": [PAIRING_ID]},
    "an odd name": {"name": "-x", "ids": [PAIRING_ID]},
    "no client": "laptop",
}


@pytest.mark.parametrize("client", ODD_LISTS.values(), ids=ODD_LISTS.keys())
def test_a_list_that_cannot_be_moves_nobody(home: Path, client: object) -> None:
    """An id is a whole element of a list, or it is not there."""
    server = Server(next_=7)
    server.clients = [client]
    with FarServer(home, server) as far:
        store = far.pair(confirmed=2, sent=9)
        with pytest.raises(BadInput):
            sync.ask_server(store.pairing, via=None, called=None, ask=never)
    assert server.next == 7


def test_another_host_key_ends_it(home: Path) -> None:
    """Before anything was asked."""
    with FarServer(home, Server()) as far:
        store = far.pair(confirmed=2, sent=9)
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{far.port} {key}\n")
        with pytest.raises(NotReached, match="host key"):
            sync.ask_server(store.pairing, via=None, called=None, ask=never)
    assert far.commands == []


def test_the_host_key_may_be_known_by_the_pairings_host(home: Path) -> None:
    """Where ssh's settings say nothing of the pairing's name."""
    with FarServer(home, Server()) as far:
        store = far.pair(host="localhost", confirmed=2, sent=9)
        known = home / ".ssh/known_hosts"
        known.write_text(known.read_text().replace("127.0.0.1", "localhost"))
        assert sync.ask_server(store.pairing, via=None, called=None, ask=never).counter == 9


def test_interrupted_it_leaves_the_counters_as_they_were(home: Path) -> None:
    """^C while the server thinks: exit 130, one line, no traceback."""
    with FarServer(home, Lying(None)) as far:
        store = far.pair(confirmed=2, sent=9)
        with subprocess.Popen(
            [sys.executable, "-m", MODULE, "sync", "box", "--as", "laptop"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            wait_for_the_move(far)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert stderr.strip() == "sshknock: interrupted"
    assert store.load().counters == ClientCounters(2, 9)


def wait_for_the_move(far: FarServer) -> None:
    """Wait until the server was asked to move."""
    while not any("--at-least" in words for words in far.commands):
        assert far.asked.wait(30)
        far.asked.clear()


def test_killed_before_it_saves_the_pair_still_meets(home: Path) -> None:
    """The server has moved and we have not: the next run of ssh comes to where it is."""
    server = Server(next_=3)
    code = (
        "import os, signal, sys\n"
        "from sshknock import cli\n"
        "from sshknock.client.state import Store\n"
        "save = Store.save\n"
        "def save_or_die(self, state):\n"
        "    if state.counters.confirmed == 20:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    save(self, state)\n"
        "Store.save = save_or_die\n"
        "sys.argv = 'sshknock sync box'.split()\n"
        "sys.exit(cli.main())"
    )
    with FarServer(home, server) as far:
        store = far.pair(confirmed=2, sent=20)
        assert run_code(code).returncode == -signal.SIGKILL
        state = store.load()
        assert (server.next, state.counters) == (21, ClientCounters(2, 20))
        window, counters, sent = state.parameters.window, state.counters, []
        for attempt in range(attempts_of_a_run(window)):
            counter, counters = counters.next(attempt, window)
            sent.append(counter)
        assert set(accepted(server.next, window)) & set(sent)
        assert sshknock("sync", "box").returncode == 0
    assert store.load().counters == ClientCounters(20, 20, strong=20)


@pytest.mark.parametrize("via", ["", "a b", "-oProxyCommand=x", "root@", "@host", "a@b@c", "x@-y"])
def test_what_is_no_host_is_exit_2(home: Path, via: str) -> None:
    """``--via`` takes what one would say to ssh, and no option."""
    with FarServer(home, Server()) as far:
        far.pair()
        assert_says(sshknock("sync", "box", "--via", via), 2, "[USER@]HOST")
    assert far.commands == []


def test_search_and_a_way_by_ssh_exclude_each_other(home: Path) -> None:
    """They are two ways to the same end."""
    assert_says(sshknock("sync", "box", "--search", "--via", "host"), 2, "--search")
    assert list(home.iterdir()) == []


def test_a_port_that_does_not_answer_is_knocked_for_and_then_names_the_other_ways(
    home: Path,
) -> None:
    """Hidden, and out of step beyond what a login finds: search, be admitted, or go another way."""
    with FarServer(home, Server()) as far:
        store = far.pair(confirmed=2, sent=2)
    store.save(replace(store.load(), parameters=replace(PARAMETERS, window=4)))  # four attempts
    search = "'sshknock sync box --search'"
    assert_says(sshknock("sync", "box"), 5, "nor with one", search, "admit", "--via")
    assert store.load().counters.sent > 2


def test_who_took_another_way_is_not_told_to_take_one(home: Path) -> None:
    """A jump host that does not answer is a matter of ssh's."""
    with FarServer(home, Server()) as far:
        far.pair()
        far.configure("Host back\n@\n")
    done = sshknock("sync", "box", "--via", "back")
    assert_says(done, 1, "back does not answer", "does 'ssh back' get there?")
    assert "--via" not in done.stderr
