"""The paper's section III, played with the real programs: `contrib/demo.sh`.

Every step says what it shows, runs the commands that it prints, and checks what it claims; the
first that does not hold ends the demo with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import textwrap
import time

from sshknock.protocol.token import Token
from tests.lab import Client, Completed, Host, Installation, Knock, Lab, Server, eventually

COLUMNS = 78
INDENT = "   "
HOME = "/run/home/root"


class Stage:
    """What the audience sees: numbered steps, commands, what they say, a tick for each claim."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._step = 0

    def step(self, text: str) -> None:
        """Say what comes next."""
        self._step += 1
        print(f"\n{self._paint('1;36', f'{self._step}. {text}')}", flush=True)

    def run(self, host: Host, command: str, *, check: bool = True) -> Completed:
        """Run a command line as if it were typed there; show it, and what came of it."""
        print(f"{INDENT}{self._paint('1', f'{host.name}$ {command}')}", flush=True)
        done = host.run(["/bin/sh", "-c", command], check=check)
        for line in (done.stdout + done.stderr).splitlines():
            if line.strip():
                self.say(line)
        return done

    def say(self, text: str, label: str = "") -> None:
        """Explain: wrapped between words, what follows the label below its beginning."""
        shown = textwrap.fill(
            text,
            COLUMNS,
            initial_indent=INDENT + label,
            subsequent_indent=INDENT + " " * len(label),
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
        )
        print(shown, flush=True)

    def claim(self, holds: object, text: str) -> None:
        """Tick a claim off, or end the demo."""
        if not holds:
            print(f"{INDENT}{self._paint('1;31', f'NOT SO: {text}')}", flush=True)
            raise SystemExit(1)
        print(f"{INDENT}{self._paint('32', f'✓ {text}')}", flush=True)

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="contrib/demo.sh", description="See sshknock at work.")
    parser.add_argument("--keep", action="store_true", help="leave the hosts up at the end")
    options = parser.parse_args()
    stage = Stage(colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        started = time.monotonic()
        with Installation() as installation, Lab(installation) as lab:
            play(stage, lab)
            print(f"\nAll of it held, in {time.monotonic() - started:.0f} s.", flush=True)
            if options.keep:
                keep(lab)
    except AssertionError as error:
        stage.claim(False, str(error))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


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


def keep(lab: Lab) -> None:
    """Wait, so that the audience can look around."""
    print("\nThe hosts stay up. Enter one from another terminal:")
    for host in lab.hosts.values():
        print(f"   nsenter --target {host.namespaces.pid} --mount --net --pid   # {host.name}")
    print("Press Enter to end.", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
