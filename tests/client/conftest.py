"""A home of its own for every test, and pairings with a door on the loopback."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from sshknock.client import config
from sshknock.client.config import Pairing
from sshknock.client.state import PairingState, Store
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.protocol.token import Token
from sshknock.records import replace
from tests.client.door import BANNER, HOST, PARAMETERS, Door

PAIRING_ID = "0123456789abcdef"
SECRET = Secret(bytes(range(32)))
TOKEN = Token(
    name="laptop",
    pairing_id="0123456789abcdef",
    hosts=("192.0.2.7",),
    port=2222,
    secret=SECRET,
    parameters=Parameters(window=16),
)
MODULE = "sshknock.cli"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home, which is where settings and state go."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in list(os.environ):
        if variable.startswith(("XDG_", "SSHKNOCK_", "DBUS_", "KEYRING_", "PYTHON_KEYRING_")):
            monkeypatch.delenv(variable)
    return tmp_path


@pytest.fixture
def door() -> Iterator[Door]:
    """Return a door that accepts the counters from 0 to 3."""
    with Door() as made:
        yield made


def pair(door: Door, name: str = "box", **changes: object) -> Store:
    """Make a pairing for a door, in the file keyring; ``changes`` are of its state."""
    pairing = Pairing(name, (HOST,), door.port, "file", PAIRING_ID)
    with config.changing() as known:
        known.pairings[name] = pairing
    store = Store(pairing)
    state = PairingState(PAIRING_ID, door.secret, PARAMETERS)
    store.save(replace(state, **changes))
    return store


def open_descriptors() -> int:
    """Return how many descriptors this process has open, that of the look itself included."""
    return len(list(Path("/proc/self/fd").iterdir()))


def start_proxy(*arguments: str | int) -> subprocess.Popen[bytes]:
    """Start the proxy as ssh does: with two pipes, in our process group."""
    return subprocess.Popen(
        [sys.executable, "-m", "sshknock.client.proxy_main", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )


def finish(proxy: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Wait for a proxy; return its exit code and what it wrote on standard error."""
    with proxy:
        code = proxy.wait(timeout=30)
        assert proxy.stderr is not None
        return code, proxy.stderr.read()


def run_program(
    module: str, *arguments: str | int | Path, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run one of the client's programs to its end."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def read(stream: IO[bytes] | None, count: int) -> bytes:
    """Read so many bytes, fewer at the end; not longer than 20 s."""
    assert stream is not None
    data = b""
    while len(data) < count:
        assert select.select([stream], [], [], 20)[0], f"only {data!r} came"
        more = os.read(stream.fileno(), count - len(data))
        if not more:
            break
        data += more
    return data


def write(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Write to its standard input."""
    assert process.stdin is not None
    process.stdin.write(data)


def hang_up(process: subprocess.Popen[bytes]) -> None:
    """Close both pipes, as the kernel does when ssh is killed."""
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


def log_in(door: Door) -> str:
    """Go in and out again by the proxy; what it said on standard error."""
    proxy = start_proxy(HOST, door.port)
    assert read(proxy.stdout, len(BANNER)) == BANNER
    hang_up(proxy)
    code, errors = finish(proxy)
    assert code == 0
    return errors.decode()


def sshknock(*arguments: str | int | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program."""
    return run_program(MODULE, *arguments, input=stdin)


def assert_says(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Hold that it failed with this code, one line, perhaps a hint, and these words."""
    lines = done.stderr.splitlines()
    assert done.returncode == code, done.stderr
    assert len(lines) in (1, 2), done.stderr
    assert lines[0].startswith("sshknock: ")
    assert all(line.startswith("sshknock: hint: ") for line in lines[1:])
    for word in words:
        assert word in done.stderr


@pytest.fixture
def token(home: Path) -> Path:
    """Return the file of a token."""
    path = home / "token"
    path.write_text(TOKEN.encode() + "\n")
    path.chmod(0o600)
    return path


def enroll(token: Path, name: str = "box") -> None:
    """Make a pairing in the file keyring."""
    assert sshknock("enroll", name, "--token-file", token, "--keyring", "file").returncode == 0


def run_code(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code to its end."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
