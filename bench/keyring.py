"""Measure how long ``sshknock-proxy`` takes from its start to its first packet.

    bench/run.sh keyring [--rounds N]      as root

With the state in the file keyring and in gnome-keyring, in turns, so that a noisy moment hits both
alike. Beside them a bare Python, which is what neither can do without. The first packet is seen on
the loopback, by a packet socket; the proxy is killed then, for what follows is no keyring's affair.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import describe
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.protocol.token import Token
from tests.lab import Installation

SERVER = "127.0.0.2"
"""Nothing listens there."""

KEYRINGS = ("file", "system")
NAMES = {"file": "file keyring", "system": "gnome-keyring"}
ALLOWED_MS = 30
PATIENCE_S = 60
SESSION = """
eval "$(printf %s benchmark | gnome-keyring-daemon --unlock --components=secrets 2>/dev/null)"
exec "$@"
"""
FOLDERS = ("RUNTIME_DIR", "DATA_HOME", "CACHE_HOME", "CONFIG_HOME", "STATE_HOME")
ETHERNET_AND_IP = 14 + 16
"""Where a packet's destination address begins, on the loopback as on an Ethernet."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a start took: by the clock, and of the processor, which a busy machine changes less."""

    wall_ms: float
    processor_ms: float


def main() -> None:
    """Measure and print a table, in a session of our own with a keyring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--inside", metavar="PROGRAMS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside is not None:
        measure(Path(given.inside), given.rounds)
        return
    with Installation() as installation, session() as environment:
        inside = ["--rounds", str(given.rounds), "--inside", str(installation.programs)]
        command = [sys.executable, "-m", "bench.keyring", *inside]
        subprocess.run(
            ["/usr/bin/dbus-run-session", "--", "bash", "-c", SESSION, "session", *command],
            env=environment,
            check=True,
        )


@contextmanager
def session() -> Iterator[dict[str, str]]:
    """Yield the environment of a user who has nothing yet, and no screen."""
    home = Path(tempfile.mkdtemp(prefix="sshknock-bench-"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    for name in FOLDERS:
        folder = home / name.lower()
        folder.mkdir(mode=0o700)
        environment[f"XDG_{name}"] = str(folder)
    try:
        yield environment
    finally:
        shutil.rmtree(home)


def measure(programs: Path, rounds: int) -> None:
    """Enrol with both keyrings, and time both in turns."""
    for keyring in KEYRINGS:
        enroll(programs, keyring)
    taken: dict[str, list[Taken]] = {"bare Python": []} | {NAMES[one]: [] for one in KEYRINGS}
    for _ in range(rounds):
        taken["bare Python"].append(start_of_python(programs))
        for keyring in KEYRINGS:
            taken[NAMES[keyring]].append(first_packet(programs, keyring))
    print("| to the first packet | median ms | fastest | slowest | median ms of processor |")
    print("| --- | --- | --- | --- | --- |")
    for name, values in taken.items():
        wall = [one.wall_ms for one in values]
        work = statistics.median(one.processor_ms for one in values)
        print(
            f"| {name} | {statistics.median(wall):.1f} | {min(wall):.1f} | {max(wall):.1f}"
            f" | {work:.1f} |"
        )
    files, systems = (taken[NAMES[keyring]] for keyring in KEYRINGS)
    more = statistics.median(
        system.wall_ms - file.wall_ms for file, system in zip(files, systems, strict=True)
    )
    print(f"\ngnome-keyring takes {more:.1f} ms more; {ALLOWED_MS} are allowed\n\n{describe()}")


def enroll(programs: Path, keyring: str) -> None:
    """Make a pairing, called as the keyring is."""
    token = Token(
        name="bench",
        pairing_id=os.urandom(8).hex(),
        hosts=(SERVER,),
        port=22,
        secret=Secret(os.urandom(32)),
        parameters=Parameters(),
    )
    command = [programs / "sshknock", "enroll", keyring, "--token-file", "-", "--keyring", keyring]
    subprocess.run(command, input=token.encode(), text=True, stdout=subprocess.DEVNULL, check=True)


def start_of_python(programs: Path) -> Taken:
    """Measure a Python that does nothing."""
    started = time.perf_counter()
    with subprocess.Popen([programs / "python", "-I", "-c", ""]) as python:
        processor_ms = reap(python)
    return Taken((time.perf_counter() - started) * 1000, processor_ms)


def first_packet(programs: Path, keyring: str) -> Taken:
    """Measure from the proxy's start until a packet for the server is on the loopback."""
    command = [programs / "sshknock-proxy", "--name", keyring, SERVER, "22"]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003)) as wire:
        wire.bind(("lo", 0))
        wire.settimeout(PATIENCE_S)
        started = time.perf_counter()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as proxy:
            while not is_to_server(wire.recv(128)):
                pass
            wall_ms = (time.perf_counter() - started) * 1000
            proxy.kill()
            return Taken(wall_ms, reap(proxy))


def reap(process: subprocess.Popen[bytes]) -> float:
    """Wait for the end of a process; return the processor's time that it took, in ms."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (usage.ru_utime + usage.ru_stime) * 1000


def is_to_server(frame: bytes) -> bool:
    """Tell whether a frame carries a packet to the server."""
    return frame[ETHERNET_AND_IP : ETHERNET_AND_IP + 4] == socket.inet_aton(SERVER)


if __name__ == "__main__":
    main()
