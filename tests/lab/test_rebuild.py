"""A table that is made anew lets in whom the old one let in: no longer, and not once more."""

from __future__ import annotations

import pytest

from tests.lab import Client, Lab, Server, eventually
from tests.lab.administration import books
from tests.lab.conftest import Pair, make_pair
from tests.lab.faults_nft import GO, WAITING, nft_that, nobody_else
from tests.lab.faults_victims import hooks

pytestmark = pytest.mark.lab


def ask_for_new_table(server: Server) -> None:
    """Have the next reconcile make a whole new table, as a second `init` does."""
    books(server, "INSERT OR REPLACE INTO meta VALUES ('make the table anew', '1')")


def left(server: Server, name: str) -> int:
    """Return how many seconds the only element of a set has left."""
    (element,) = server.elements(name)
    return int(element["elem"]["expires"])


def renewed_by_a_new_table(server: Server, name: str) -> bool:
    """Let some time pass, and the table be made anew: whether the element has its time again."""
    had = left(server, name)
    eventually(lambda: left(server, name) <= had - 2, "two seconds pass")
    ask_for_new_table(server)
    server.sshknock("reconcile")
    return left(server, name) > had - 2


def knock(server: Server, laptop: Client) -> None:
    """Be admitted, and wait until the server has taken it in."""
    counter = server.pairing("laptop")["next"]
    laptop.replay(server, laptop.train(counter))
    eventually(lambda: server.pairing("laptop")["next"] == counter + 1, "the knock was heard")
    eventually(lambda: not hooks(server), "the hook has ended")


def test_an_admission_that_is_used_meanwhile_is_used_up(pair: Pair) -> None:
    """Used between reading the old table and making the new one: nobody comes in by it again."""
    server, laptop = pair.server, pair.laptop
    with nobody_else(server):
        knock(server, laptop)
        ask_for_new_table(server)
        with nft_that(server, WAITING):
            rebuild = server.popen(["sshknock-server", "reconcile"])
            eventually(lambda: server.path("/run/nft.1").exists(), "the old table was read")
            assert laptop.connects(server.ipv4) == "open"
            server.put(GO, "")
            done = rebuild.end()
            assert done.code == 0, done
        assert server.elements("open4") == []
        assert laptop.connects(server.ipv4) == "refused"


@pytest.mark.parametrize("admit", ["single", "timed"])
def test_a_new_table_makes_no_admission_longer(lab: Lab, admit: str) -> None:
    """It has the seconds that it had left, and so has the connection that used one up."""
    pair = make_pair(lab, "--admit", admit)
    server, laptop = pair.server, pair.laptop
    with nobody_else(server):
        knock(server, laptop)
        assert renewed_by_a_new_table(server, "open4") is False
        assert laptop.connects(server.ipv4) == "open"
        if admit == "single":
            assert renewed_by_a_new_table(server, "conn4") is False
            assert laptop.connects(server.ipv4) == "refused"
