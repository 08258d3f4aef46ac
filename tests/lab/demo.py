"""The paper's section III, played with the real programs: `contrib/demo.sh`.

Every step says what it shows, runs it, and checks what it claims; the first that does not hold ends
the demo with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time

from tests.lab import Capture, Client, Completed, Host, Installation, Knock, Lab, Server, eventually

PORTS_AROUND = "21-23"


class Stage:
    """What the audience sees: numbered steps, commands, their output, and a tick for each claim."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._step = 0

    def step(self, text: str) -> None:
        """Say what comes next."""
        self._step += 1
        print(f"\n{self._paint('1;36', f'{self._step}. {text}')}", flush=True)

    def show(self, done: Completed, *, host: Host, command: str) -> None:
        """Print a command as a person would have typed it, and what came of it."""
        print(f"   {self._paint('1', f'{host.name}$ {command}')}")
        for line in (done.stdout + done.stderr).splitlines():
            if line.strip():
                print(f"   {line}")

    def say(self, text: str) -> None:
        """Explain."""
        print(f"   {text}", flush=True)

    def claim(self, holds: object, text: str) -> None:
        """Tick a claim off, or end the demo."""
        if not holds:
            print(f"   {self._paint('1;31', f'NOT SO: {text}')}", flush=True)
            raise SystemExit(1)
        print(f"   {self._paint('32', f'✓ {text}')}", flush=True)

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
        stage.say(f"{host.name:9} {host.ipv4}   a network namespace of its own")

    stage.step("The administrator hides the server's SSH port, and makes a token for the laptop")
    init = server.init()
    stage.show(
        init, host=server, command="sshknock-server init --engine knockd --service own --yes"
    )
    laptop.enroll(server)
    stage.say("the user: sshknock enroll myserver --token-file token; sshknock ssh-config --write")

    stage.step("A scanner sees no SSH server")
    hidden(stage, stranger, server)

    stage.step("A plain ssh does not get in")
    plain = laptop.ssh(f"root@{server.ipv4}", "true", check=False)
    stage.show(plain, host=laptop, command=f"ssh root@{server.ipv4}")
    stage.claim(plain.code == 255, "refused, as on any closed port")

    stage.step("`ssh myserver` just works")
    first = login(stage, server, laptop)

    stage.step("The scanner still sees no SSH server")
    hidden(stage, stranger, server)

    stage.step("The next login knocks a new sequence")
    second = login(stage, server, laptop)
    stage.claim(first != second, "no knock sequence is used twice")

    stage.step("Somebody who captured a login's packets replays them")
    for host in (stranger, laptop):
        host.replay(server, second)
        stage.claim(
            host.connects(server.ipv4) == "refused", f"the train opens nothing for the {host.name}"
        )

    stage.step("With `--admit timed` the door stays open until the close sequence")
    timed(stage, lab, laptop)


def hidden(stage: Stage, stranger: Host, server: Server) -> None:
    """Scan the hidden port and its neighbours: nmap tells them apart by nothing."""
    scan = stranger.run(["nmap", "-Pn", "-n", "-p", PORTS_AROUND, server.ipv4])
    stage.show(scan, host=stranger, command=f"nmap -p {PORTS_AROUND} {server.ipv4}")
    states = dict(re.findall(r"^(\d+)/tcp +(\S+)", scan.stdout, re.MULTILINE))
    stage.claim(
        states["22"] == states["21"] == states["23"] == "closed",
        "port 22 looks like the closed ports beside it",
    )


def login(stage: Stage, server: Server, laptop: Client) -> list[Knock]:
    """Log in by ssh, and return all that was knocked."""
    with server.capture() as capture:
        done = laptop.ssh("myserver", "echo logged in as $(id -un) on $(hostname)")
        eventually(
            lambda: server.pairing("laptop")["sessions"] == laptop.pairing()["sessions"] == 0,
            "the session is over on both sides",
        )
    stage.show(done, host=laptop, command="ssh myserver")
    stage.claim(done.stdout.startswith("logged in as root"), "logged in")
    there, here = server.pairing("laptop")["next"], laptop.pairing()["confirmed"]
    stage.claim(there == here + 1, f"laptop and server agree: the next counter is {there}")
    return knocked(stage, capture, laptop)


def knocked(stage: Stage, capture: Capture, laptop: Client) -> list[Knock]:
    """Show the knocks of a session, open and close sequence in one."""
    train = [packet.knock for packet in capture.knocks(laptop.ipv4)]
    stage.say("knocked: " + "  ".join(f"{port}/{transport}" for port, transport in train))
    return train


def timed(stage: Stage, lab: Lab, laptop: Client) -> None:
    """A second server that admits until it is told otherwise."""
    server = lab.server("archive")
    server.init("--admit", "timed", "--timeout", "30s")
    laptop.enroll(server, "archive")
    opened = laptop.sshknock("open", "archive")
    stage.show(opened, host=laptop, command="sshknock open archive")
    eventually(lambda: laptop.connects(server.ipv4) == "open", "the door is open")
    stage.claim(laptop.connects(server.ipv4) == "open", "the laptop may connect, again and again")
    # knockd learns a session's close sequence within a second or so; this returns when it has.
    server.sshknock("reconcile")
    closed = laptop.sshknock("close", "archive")
    stage.show(closed, host=laptop, command="sshknock close archive")
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
