"""The keyring of a desktop, with a real Secret Service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

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
def test_a_bus_without_a_secret_service_is_said(in_session: Callable[..., str]) -> None:
    """A bus alone is no keyring."""
    assert in_session(TRY, 'gnome-keyring-daemon() { :; }; exec "$@"').count("\n") == 3
