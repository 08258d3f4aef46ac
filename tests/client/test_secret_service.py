"""The keyring of a desktop, with a real Secret Service."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sshknock.client.keyrings.bus import session_bus

SESSION = """
eval "$(printf %s testpw | gnome-keyring-daemon --unlock --components=secrets 2>/dev/null)"
exec "$@"
"""
EMPTY_SESSION = 'gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1; exec "$@"'
NEEDED = ("dbus-run-session", "gnome-keyring-daemon")

secret_service = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason=f"needs {' and '.join(NEEDED)}"
)

INTEROPERATE = """
import json, sys
import keyring.backends.SecretService
from sshknock.client.keyrings import open_keyring
from sshknock.client.keyrings.secret_service import SecretService
ours = open_keyring("keyring.backends.SecretService:Keyring")
assert isinstance(ours, SecretService)
theirs = keyring.backends.SecretService.Keyring()
seen = [ours.get("box")]
ours.set("box", "one \\u00fc")
seen += [ours.get("box"), theirs.get_password("sshknock", "box")]
theirs.set_password("sshknock", "box", "two")
seen += [ours.get("box")]
ours.set("box", "three")
seen += [theirs.get_password("sshknock", "box")]
ours.set("other", "x")
ours.delete("box")
ours.delete("box")
seen += [ours.get("box"), theirs.get_password("sshknock", "box"), ours.get("other")]
print(json.dumps(seen))
"""

LOCKED = """
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
from sshknock.client.keyrings import open_keyring
ring = open_keyring("keyring.backends.SecretService:Keyring")
ring.set("box", "x")
service = DBusAddress("/org/freedesktop/secrets", "org.freedesktop.secrets",
                      "org.freedesktop.Secret.Service")
collection = "/org/freedesktop/secrets/collection/login"
open_dbus_connection().send_and_get_reply(new_method_call(service, "Lock", "ao", ([collection],)))
"""

TRY = """
from sshknock.client.keyrings import open_keyring
from sshknock.errors import KeyringUnavailable
for call in (lambda r: r.get("box"), lambda r: r.set("box", "y"), lambda r: r.delete("box")):
    try:
        call(open_keyring("keyring.backends.SecretService:Keyring"))
    except KeyringUnavailable as error:
        print(error.message)
"""


RESTORED = """
import json
from sshknock.client.keyrings import open_keyring
from sshknock.errors import BadInput
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection

bus = open_dbus_connection()
def call(path, interface, method, signature, *body):
    address = DBusAddress(path, "org.freedesktop.secrets", "org.freedesktop.Secret." + interface)
    return bus.send_and_get_reply(new_method_call(address, method, signature, body)).body

def restore(attributes):
    plain = ("plain", ("s", ""))
    _, session = call("/org/freedesktop/secrets", "Service", "OpenSession", "sv", *plain)
    call("/org/freedesktop/secrets/aliases/default", "Collection", "CreateItem", "a{sv}(oayays)b",
         {"org.freedesktop.Secret.Item.Label": ("s", "restored"),
          "org.freedesktop.Secret.Item.Attributes": ("a{ss}", attributes)},
         (session, b"", b"old", "text/plain"), False)

ring = open_keyring("keyring.backends.SecretService:Keyring")
item = {"service": "sshknock", "username": "box"}
restore(item)
seen = [ring.get("box")]
ring.set("box", "new")
seen.append(ring.get("box"))
restore({**item, "application": "Python keyring library"})
for act in (lambda: ring.get("box"), lambda: ring.set("box", "newer")):
    try:
        act()
    except BadInput as error:
        seen.append(error.message)
ring.delete("box")
seen.append(ring.get("box"))
print(json.dumps(seen))
"""


TWO_COLLECTIONS = """
import json
from sshknock.client.keyrings import open_keyring
from sshknock.errors import KeyringUnavailable
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection

bus = open_dbus_connection()
SERVICE, NAME = "/org/freedesktop/secrets", "org.freedesktop.secrets"
def call(path, interface, method, signature, *body):
    address = DBusAddress(path, NAME, interface)
    return bus.send_and_get_reply(new_method_call(address, method, signature, body)).body

def count(path):
    attributes = {"service": "sshknock"}
    collection = "org.freedesktop.Secret.Collection"
    return len(call(path, collection, "SearchItems", "a{ss}", attributes)[0])

service = "org.freedesktop.Secret.Service"
ring = open_keyring("keyring.backends.SecretService:Keyring")
ring.set("box", "old")
_, session = call(SERVICE, service, "OpenSession", "sv", "plain", ("s", ""))
# What gnome-keyring has for tests: it asks nobody for the new collection's password.
(other,) = call(SERVICE, "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
                "CreateWithMasterPassword", "a{sv}(oayays)",
                {"org.freedesktop.Secret.Collection.Label": ("s", "work")},
                (session, b"", b"pw", "text/plain"))
call(SERVICE, service, "SetAlias", "so", "default", other)
seen = [ring.get("box")]
ring.set("box", "newer")
seen.append(ring.get("box"))
ring.set("second", "x")
ring.set("third", "x")
seen += [count(other), count("/org/freedesktop/secrets/collection/login")]
call(SERVICE, service, "Lock", "ao", ["/org/freedesktop/secrets/collection/login"])
try:
    ring.get("box")
except KeyringUnavailable as error:
    seen.append(error.message)
print(json.dumps(seen))
"""

MANY = """
import json
from jeepney.io.blocking import DBusConnection
from sshknock.client.config import Pairing
from sshknock.client.keyrings import open_keyring, secret_service
from sshknock.client.state import PairingState, Store
from sshknock.client.status.looks import look_at
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

recorded = "keyring.backends.SecretService:Keyring"
ring = open_keyring(recorded)
pairings = [Pairing(f"n{i}", ("h",), 22, recorded, f"{i:016x}") for i in range(200)]
for one in pairings:
    Store(one, ring).save(PairingState(one.pairing_id, Secret(bytes(32)), Parameters()))

calls, connections = [], []
send, connect = DBusConnection.send_and_get_reply, secret_service.open_dbus_connection
def counted(self, message, **kwargs):
    calls.append(str(message.header.fields))
    return send(self, message, **kwargs)
def connected(**kwargs):
    connections.append(kwargs)
    return connect(**kwargs)
DBusConnection.send_and_get_reply = counted
secret_service.open_dbus_connection = connected
good = sum(look.state is not None for look in look_at(pairings))
sessions = sum("OpenSession" in call for call in calls)
print(json.dumps([good, len(connections), sessions, len(calls) < 2 * len(pairings) + 10]))
"""

WITHOUT_VARIABLE = """
import json
from sshknock.client.keyrings import open_keyring
from sshknock.client.keyrings.system import find_backend
ring = open_keyring("keyring.backends.SecretService:Keyring")
ring.set("box", "x")
print(json.dumps([ring.get("box"), find_backend()]))
"""
SESSION_AT_THE_USUAL_PLACE = """
export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
pid=$XDG_RUNTIME_DIR/pid
dbus-daemon --session --fork --print-pid=3 --address=$DBUS_SESSION_BUS_ADDRESS 3>$pid
eval "$(printf %s testpw | gnome-keyring-daemon --unlock --components=secrets 2>/dev/null)"
unset DBUS_SESSION_BUS_ADDRESS
"$@"; code=$?
kill "$(cat $pid)"
exit $code
"""


@pytest.fixture
def in_session(tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs Python code on a bus with a keyring, and returns its output."""
    environment = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
    for variable in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        folder = tmp_path / variable
        folder.mkdir(mode=0o700)
        environment[variable] = str(folder)

    def run(code: str, session: str = SESSION) -> str:
        done = subprocess.run(
            [
                *("dbus-run-session", "--", "bash", "-c", session, "session"),
                *(sys.executable, "-c", code),
            ],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@secret_service
def test_the_secret_service_holds_the_very_items_of_the_library(
    in_session: Callable[..., str],
) -> None:
    """Each reads, replaces and deletes what the other wrote; the text crosses whole."""
    seen = json.loads(in_session(INTEROPERATE))
    assert seen == [None, "one ü", "one ü", "two", "three", None, None, "x"]


@secret_service
def test_an_item_that_another_program_made_is_written_where_it_is_read(
    in_session: Callable[..., str],
) -> None:
    """A restored item has other attributes: it is changed in its place. Of two, none is taken."""
    several = "the keyring has 2 items for 'box'"
    assert json.loads(in_session(RESTORED)) == ["old", "new", several, several, None]


@secret_service
def test_what_was_set_last_is_there_in_the_next_session(in_session: Callable[..., str]) -> None:
    """The daemon has written the change of an item to the disk, not only its making."""
    opened = 'ring = open_keyring("keyring.backends.SecretService:Keyring")'
    head = f"from sshknock.client.keyrings import open_keyring\n{opened}\n"
    in_session(head + 'ring.set("box", "one")\nring.set("box", "two")')
    assert in_session(head + 'print(ring.get("box"))') == "two\n"


@secret_service
def test_a_locked_secret_service_is_said(in_session: Callable[..., str]) -> None:
    """No prompt, no hang: reading, writing and deleting all say that it is locked."""
    started = time.monotonic()
    assert in_session(LOCKED + TRY) == "the keyring is locked\n" * 3
    assert time.monotonic() - started < 20


@secret_service
def test_a_secret_service_without_a_collection_is_said(in_session: Callable[..., str]) -> None:
    """A user who never logged in to a desktop has none."""
    said = in_session(TRY, EMPTY_SESSION)
    assert said == "there is no keyring that is set up for this user\n" * 3


@secret_service
def test_an_item_stays_where_it_is_when_another_collection_becomes_the_default(
    in_session: Callable[..., str],
) -> None:
    """It is read and written there; a new item goes into the new default; a lock there is said."""
    assert json.loads(in_session(TWO_COLLECTIONS)) == [
        "old",
        "newer",
        2,
        1,
        "the keyring is locked",
    ]


@secret_service
def test_two_hundred_items_are_read_over_one_connection(in_session: Callable[..., str]) -> None:
    """`status` opens the keyring once, and its session once: two calls a pairing are left."""
    assert json.loads(in_session(MANY)) == [200, 1, 1, True]


@secret_service
def test_a_keyring_is_found_where_the_variable_of_the_bus_is_missing(
    in_session: Callable[..., str],
) -> None:
    """In an SSH session, in cron: by ourselves, and by the library that enrolment asks."""
    seen = json.loads(in_session(WITHOUT_VARIABLE, SESSION_AT_THE_USUAL_PLACE))
    assert seen == ["x", "keyring.backends.SecretService:Keyring"]


@secret_service
def test_a_bus_that_belongs_to_somebody_else_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket at the usual place must be the user's own, and a socket."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "a b"))
    (tmp_path / "a b").mkdir()
    path = tmp_path / "a b" / "bus"
    path.touch()
    assert session_bus() is None
    path.unlink()
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(path))
        assert session_bus() == f"unix:path={tmp_path}/a%20b/bus"
        os.chown(path, 65534, -1)
        assert session_bus() is None


@secret_service
def test_a_bus_without_a_secret_service_is_said(in_session: Callable[..., str]) -> None:
    """A bus alone is no keyring."""
    assert in_session(TRY, 'gnome-keyring-daemon() { :; }; exec "$@"').count("\n") == 3
