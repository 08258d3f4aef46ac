"""A day with sshknock: hide the port, enrol a laptop, log in, and have the knocks replayed."""

from __future__ import annotations

import re

from sshknock.protocol.token import Token
from tests.lab import Client, Host, Knock, Lab, Server, eventually
from tests.lab.demo.stage import Stage

HOME = "/run/home/root"


def play(stage: Stage, lab: Lab) -> None:
    """All the steps."""
    stage.step("Three machines: a server, a laptop, and somebody else")
    server, laptop, stranger = lab.server(), lab.client(), lab.host("stranger")
    for host in (server, laptop, stranger):
        stage.say(f"{host.ipv4}  a network namespace of its own", f"{host.name:10}")

    stage.step("The administrator hides the SSH port, and makes a token for the laptop")
    stage.run(server, "sshknock-server init --service own --yes")
    stage.say("(--service own: there is no systemd on this host)")
    enroll(stage, server, laptop)

    stage.step("A scanner sees no SSH server")
    hidden(stage, stranger, server)

    stage.step("A plain ssh does not get in")
    plain = stage.run(laptop, f"ssh root@{server.ipv4} id -un", check=False)
    stage.claim(plain.code == 255, "refused, as on any closed port")

    stage.step("`ssh myserver` just works")
    first = login(stage, server, laptop)

    stage.step("The scanner still sees no SSH server")
    hidden(stage, stranger, server)

    stage.step("The next login knocks a new sequence")
    second = login(stage, server, laptop)
    stage.claim(first != second, "no knock sequence is used twice")

    stage.step("Somebody who captured a login's packets replays them")
    for host, whose in ((stranger, "the stranger's address"), (laptop, "the laptop's own")):
        host.replay(server, second)
        stage.claim(
            host.connects(server.ipv4) == "refused", f"the knocks open nothing, sent from {whose}"
        )

    stage.step("With `--admit timed` the door stays open until the close sequence")
    timed(stage, lab, laptop)


def enroll(stage: Stage, server: Server, laptop: Client) -> None:
    """Pair the laptop with the server, in the steps that two people take."""
    laptop.trust(server, "myserver")
    stage.run(server, "sshknock-server client add laptop --token-file laptop.token")
    token = server.read(f"{HOME}/laptop.token")
    laptop.tokens["myserver"] = Token.decode(token)
    laptop.put(f"{HOME}/laptop.token", token, 0o600)
    stage.say("(the token's line goes to the laptop, by any safe way)")
    stage.run(server, "rm laptop.token")
    stage.run(laptop, "sshknock enroll myserver --token-file laptop.token --keyring file")
    stage.run(laptop, "rm laptop.token")
    stage.run(laptop, "sshknock ssh-config myserver --write")


def hidden(stage: Stage, stranger: Host, server: Server) -> None:
    """Scan the hidden port and its neighbours: nmap tells them apart by nothing."""
    scan = stage.run(stranger, f"nmap -Pn -n -p 21-23 {server.ipv4}")
    states = dict(re.findall(r"^(\d+)/tcp +(\S+)", scan.stdout, re.MULTILINE))
    stage.claim(
        states["22"] == states["21"] == states["23"] == "closed",
        "port 22 looks like the closed ports beside it",
    )


def login(stage: Stage, server: Server, laptop: Client) -> list[Knock]:
    """Log in by ssh, and return all that was knocked."""
    with server.capture() as capture:
        done = stage.run(laptop, "ssh myserver 'id -un; echo $SSH_CONNECTION'")
        eventually(
            lambda: server.pairing("laptop")["sessions"] == laptop.pairing()["sessions"] == 0,
            "the session is over on both sides",
        )
    stage.claim(done.stdout.startswith(f"root\n{laptop.ipv4} "), "logged in")
    there, here = server.pairing("laptop")["next"], laptop.pairing()["confirmed"]
    stage.claim(there == here + 1, f"laptop and server agree: the next counter is {there}")
    knocks = [packet.knock for packet in capture.knocks(laptop.ipv4)]
    opening, close = laptop.train(here), laptop.train(here, "close")
    both = opening + close
    stage.claim(knocks[-len(both) :] == both, f"knocked with the sequences of counter {here}:")
    stage.say(worded(opening), "open:  ")
    stage.say(worded(close), "close: ")
    return knocks


def worded(knocks: list[Knock]) -> str:
    """Return knocks as people read them."""
    return "  ".join(f"{port}/{transport}" for port, transport in knocks)


def timed(stage: Stage, lab: Lab, laptop: Client) -> None:
    """A second server that admits until it is told otherwise."""
    server = lab.server("archive")
    stage.run(server, "sshknock-server init --admit timed --timeout 30s --service own --yes")
    laptop.enroll(server, "archive")
    stage.say("(the laptop is enrolled as before)")
    stage.run(laptop, "sshknock open archive")
    eventually(lambda: laptop.connects(server.ipv4) == "open", "the door is open")
    stage.claim(laptop.connects(server.ipv4) == "open", "the laptop may connect, again and again")
    # knockd learns a session's close sequence within a second or so; this returns when it has.
    server.sshknock("reconcile")
    stage.run(laptop, "sshknock close archive")
    eventually(lambda: laptop.connects(server.ipv4) == "refused", "the door is shut")
    stage.claim(True, "the close sequence shut the door, long before its 30 s were over")
