"""The way to a server: whose host key is believed, and through what it goes."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from sshknock.client.remote.connection import Connection, Target, parse_via
from sshknock.client.remote.errors import NotReached, RemoteFailed
from tests.client.conftest import MODULE, assert_says, sshknock
from tests.client.door import HOST
from tests.client.remote.far import FarServer, Reply
from tests.client.remote.program import Server
from tests.client.silence import silent_port
from tests.lab.waiting import eventually

RELAY = """
import os, pathlib, socket, sys, threading
pathlib.Path(__file__).with_suffix(".ran").touch()
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        there.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := there.recv(65536):
    os.write(1, data)
"""
SYN_SENT = "02"
LAX = "    UserKnownHostsFile none\n    StrictHostKeyChecking no\n"


def hello(_words: list[str], _stdin: str) -> Reply:
    """Answer every command."""
    return 0, "hello\n", ""


def greeting(target: Target) -> str:
    """Connect and run something."""
    with Connection(target) as connection:
        return connection.run("echo hello").stdout.strip()


SETTINGS = {
    "none": "Host back\n@\n",
    "for the host": "Host back\n@\n" + LAX,
    "for all": "Host back\n@\nHost *\n" + LAX,
    "below Match final": "Host back\n@\nMatch final\n" + LAX,
    "below Match final, first": "Match final\n" + LAX + "Host back\n@\n",
    "below Match canonical": "CanonicalizeHostname always\nCanonicalDomains localdomain\n"
    "Host back\n@\nMatch canonical all\n" + LAX,
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("way", ["by the settings", "to the pairing's address"])
def test_an_unknown_host_key_is_never_believed(home: Path, settings: str, way: str) -> None:
    """Wherever ``UserKnownHostsFile none`` stands; a key that is known is believed all the same."""
    with FarServer(home, hello) as far:
        far.configure(settings)
        target = Target("back", address=None if way == "by the settings" else (HOST, far.port))
        assert greeting(target) == "hello"
        far.trust()
        with pytest.raises(NotReached, match="host key"):
            greeting(target)
    assert len(far.commands) == 1


@pytest.mark.parametrize("lax", ["    HostKeyAlias jump\n" + LAX, "    HostKeyAlias jump\n"])
@pytest.mark.parametrize("final", ["", "Match final originalhost jump\n"])
def test_a_jump_host_has_to_show_its_key_too(home: Path, lax: str, final: str) -> None:
    """It sees where we go, and its word is what we would knock for."""
    with FarServer(home, hello) as far:
        back = "Host back\n@\n    ProxyJump jump\n    HostKeyAlias back\n"
        far.configure(f"{back}Host jump\n@\n{final}{lax}")
        far.trust("back", "jump")
        assert greeting(parse_via("back")) == "hello"
        far.trust("back")
        with pytest.raises(NotReached, match="the host key of jump"):
            greeting(parse_via("back"))
        far.trust("jump")
        with pytest.raises(NotReached, match="the host key of back"):
            greeting(parse_via("back"))
    assert len(far.commands) == 1


@pytest.fixture
def proxy(home: Path) -> Path:
    """Make a program of the proxy's name; where it was run, ``ran`` lies beside it."""
    made = home / "bin/sshknock-proxy"
    made.parent.mkdir()
    made.write_text(f"#!/bin/sh\ntouch {made.parent}/ran\nexit 5\n")
    made.chmod(0o755)
    return made


@pytest.mark.parametrize("final", ["", "Match final\n"])
def test_the_way_to_a_hidden_server_is_never_by_knocking(
    home: Path, proxy: Path, final: str
) -> None:
    """Wherever the settings name the proxy: it is there for a pair that has lost step."""
    with FarServer(home, hello) as far:
        far.configure(f"Host back\n@\n{final}    ProxyCommand {proxy} --name back %h %p\n")
        assert greeting(parse_via("back")) == "hello"
    assert not (proxy.parent / "ran").exists()


def test_a_jump_host_that_is_hidden_is_knocked_for(home: Path, proxy: Path) -> None:
    """As ssh would: that pairing has not lost step."""
    with FarServer(home, hello) as far:
        far.configure(
            f"Host back\n@\n    ProxyJump jump\nHost jump\n@\n    ProxyCommand {proxy} %h %p\n"
        )
        far.pair()
        assert_says(sshknock("sync", "box", "--via", "back"), 1, "connection to jump broke off")
    assert (proxy.parent / "ran").exists()


@pytest.mark.parametrize("final", ["", "Match final\n"])
def test_another_proxy_command_is_used(home: Path, final: str) -> None:
    """The user's own, which may be the only way there."""
    relay = home / "relay.py"
    relay.write_text(RELAY)
    command = f"ProxyCommand {sys.executable} {relay} {HOST} %p"
    with FarServer(home, Server()) as far:
        far.configure(f"Host back\n@\n{final}    {command}\n")
        far.pair()
        done = sshknock("sync", "box", "--via", "back")
        assert (done.returncode, done.stderr) == (0, "")
    assert relay.with_suffix(".ran").exists()


def test_jump_hosts_that_lead_to_each_other_come_to_an_end(home: Path) -> None:
    """``Host *`` with a ProxyJump is for the jump host as well."""
    with FarServer(home, hello) as far:
        far.configure("Host back\n@\nHost jump\n@\nHost *\n    ProxyJump jump\n")
        assert greeting(parse_via("back")) == "hello"


def test_a_proxy_command_that_fails_is_one_line(home: Path) -> None:
    """What asyncio has to say about it is no help to anybody."""
    with FarServer(home, hello) as far:
        far.configure("Host back\n@\n    ProxyCommand /bin/false\n")
        far.pair()
        assert_says(sshknock("sync", "box", "--via", "back"), 1, "connection to back broke off")


@pytest.mark.parametrize("stream", [0, 1], ids=["output", "errors"])
def test_a_server_that_never_stops_talking_does_not_fill_our_memory(
    home: Path, monkeypatch: pytest.MonkeyPatch, stream: int
) -> None:
    """What it may say is bounded, by far more than any list of clients."""
    monkeypatch.setattr("sshknock.client.remote.command.MOST_BYTES", 1000)
    for length in (1000, 1001):
        said = ["", ""]
        said[stream] = "x" * length

        def talk(_words: list[str], _stdin: str, said: list[str] = said) -> Reply:
            return 0, said[0], said[1]

        with FarServer(home, talk) as far, ExitStack() as refused:
            far.configure("Host back\n@\n")
            if length > 1000:
                refused.enter_context(pytest.raises(RemoteFailed, match="says more than"))
            with Connection(parse_via("back")) as connection:
                done = connection.run("talk", stdin=b"all of it")
            assert [done.stdout, done.stderr] == said
            assert far.inputs == ["all of it"]


def test_interrupted_it_ends_at_once(home: Path) -> None:
    """^C while nothing answers: no thread is waited for, which would take ten seconds."""
    with FarServer(home, hello) as far, silent_port() as port:
        far.port = port
        far.pair()
        command = [sys.executable, "-m", MODULE, "sync", "box"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            eventually(lambda: is_connecting(port), "a SYN to the silent port")
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=7)
    assert (process.returncode, stderr.strip()) == (130, "sshknock: interrupted")


def is_connecting(port: int) -> bool:
    """Tell whether a SYN to the port waits for its answer."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2].endswith(f":{port:04X}") and row[3] == SYN_SENT for row in rows)
