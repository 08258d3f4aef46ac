"""``config.toml``: what is written reads back, and whatever else stands there is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshknock.client import config
from sshknock.client.config import Config, Pairing
from sshknock.errors import BadInput, NoSuchPairing, UsageError

ID = "0123456789abcdef"
GOOD = f"""\
version = 1

[pairings.box]
hosts = ["192.0.2.7"]
port = 22
keyring = "file"
id = "{ID}"
"""

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)
hosts = st.one_of(
    st.ip_addresses().map(str),
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,10})?", fullmatch=True).filter(
        lambda host: not host.replace(".", "").isdecimal()
    ),
)
pairings = st.builds(
    Pairing,
    name=names,
    hosts=st.lists(hosts, min_size=1, max_size=3).map(tuple),
    port=st.integers(1, 65535),
    keyring=st.sampled_from(["file", "keyring.backends.SecretService:Keyring"]),
    pairing_id=st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
)


def _write(text: str) -> Path:
    path = config.config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@given(st.lists(pairings, max_size=4, unique_by=lambda p: p.name))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_reads_back(known: list[Pairing]) -> None:
    """Any pairings survive the file, in their order."""
    _write(config.render(Config({p.name: p for p in known})))
    assert list(config.load().pairings.values()) == known


def test_without_a_file_there_are_no_pairings() -> None:
    """A new user has none, and no file is made by looking."""
    assert config.load().pairings == {}
    assert not config.config_file().exists()


def test_a_change_is_written_privately() -> None:
    """The file is 0600, and a failed change leaves it as it was."""
    with config.changing() as known:
        known.pairings["box"] = Pairing("box", ("h",), 22, "file", ID)
    path = config.config_file()
    before = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600

    def fail() -> None:
        with config.changing() as known:
            known.pairings.clear()
            raise UsageError("no")

    with pytest.raises(UsageError):
        fail()
    assert path.read_bytes() == before


BAD = {
    "no TOML": ("version = ", "no TOML"),
    "no text": (b"version = 1 # \xff", "no TOML"),
    "no version": (GOOD.replace("version = 1", ""), "version"),
    "another version": (GOOD.replace("version = 1", "version = 2"), "version"),
    "a true version": (GOOD.replace("version = 1", "version = true"), "version"),
    "unknown key above": ("colour = 1\n" + GOOD, "colour"),
    "unknown key": (GOOD + "prot = 22\n", "pairings.box.prot"),
    "no table of pairings": ("version = 1\npairings = 3\n", "pairings"),
    "no table": ("version = 1\npairings.box = 3\n", "pairings.box"),
    "bad name": (GOOD.replace(".box", '."a b"'), "a b"),
    "port as text": (GOOD.replace("port = 22", 'port = "22"'), "pairings.box.port"),
    "port as truth": (GOOD.replace("port = 22", "port = true"), "pairings.box.port"),
    "port too high": (GOOD.replace("port = 22", "port = 65536"), "pairings.box"),
    "no port": (GOOD.replace("port = 22\n", ""), "pairings.box.port"),
    "host as text": (GOOD.replace('["192.0.2.7"]', '"h"'), "pairings.box.hosts"),
    "no hosts": (GOOD.replace('["192.0.2.7"]', "[]"), "pairings.box.hosts"),
    "number for host": (GOOD.replace('["192.0.2.7"]', "[1]"), "pairings.box.hosts"),
    "bad host": (GOOD.replace("192.0.2.7", "-oProxyCommand=x"), "pairings.box"),
    "bad keyring": (GOOD.replace('"file"', '"os;rm:x"'), "pairings.box.keyring"),
    "other keyring": (GOOD.replace('"file"', '"system"'), "pairings.box.keyring"),
    "bad id": (GOOD.replace(ID, "xyz"), "pairings.box.id"),
}


@pytest.mark.parametrize(("text", "named"), BAD.values(), ids=BAD)
def test_anything_else_is_refused_by_file_and_key(text: str | bytes, named: str) -> None:
    """The error names the file and the key and says what to do; the file stays as it was."""
    data = text if isinstance(text, bytes) else text.encode()
    path = _write("")
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        config.load()
    assert str(path) in caught.value.message
    assert named in caught.value.message
    assert caught.value.hint
    assert path.read_bytes() == data


def test_the_pairing_is_found_by_host_and_port() -> None:
    """One match is it, none is NoSuchPairing, two are a UsageError that names both."""
    one = Pairing("one", ("a", "b"), 22, "file", ID)
    two = Pairing("two", ("b",), 22, "file", ID)
    three = Pairing("three", ("b",), 2222, "file", ID)
    known = Config({p.name: p for p in (one, two, three)})
    assert known.serving("a", 22) == one
    assert known.serving("b", 2222) == three
    with pytest.raises(NoSuchPairing):
        known.serving("a", 2222)
    with pytest.raises(UsageError, match="one and two"):
        known.serving("b", 22)
