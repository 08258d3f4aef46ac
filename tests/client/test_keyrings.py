"""One list of claims for every keyring, and what is particular to each."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import keyring
import keyring.backend
import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest

from sshknock.client.keyrings import Keyring, open_keyring, system
from sshknock.client.keyrings.backend import FileKeyring
from sshknock.client.keyrings.file import FileStore, keyring_folder
from sshknock.client.keyrings.system import SystemKeyring, find_backend
from sshknock.errors import BadInput, KeyringUnavailable, SystemFault

NAMES = ["box", "Box", "a.b-c_d", "0", "x" * 63]
TEXTS = ["{}", "", "ü\n\u2028", "x" * 5000]


class MemoryBackend(keyring.backend.KeyringBackend):
    """A backend of the keyring library that keeps everything in memory."""

    priority = -1
    kept: dict[tuple[str, str], str] = {}  # noqa: RUF012  shared, as a real keyring is
    failure: Exception | None = None
    gate: threading.Event | None = None

    def get_password(self, service: str, username: str) -> str | None:
        """Return it."""
        self._answer()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self._answer()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        self._answer()
        del self.kept[service, username]

    def _answer(self) -> None:
        if self.gate is not None:
            self.gate.wait(30)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the recorded name of a backend that works."""
    module = ModuleType("memory_keyring")
    module.Memory = MemoryBackend  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "memory_keyring", module)
    monkeypatch.setattr(MemoryBackend, "kept", {})
    return "memory_keyring:Memory"


@pytest.fixture(params=["file", "backend", "system"])
def ring(request: pytest.FixtureRequest, memory: str) -> Keyring:
    """Return one keyring of each kind."""
    made: dict[str, Callable[[], Keyring]] = {
        "file": lambda: open_keyring("file"),
        "backend": lambda: SystemKeyring(
            "sshknock.client.keyrings.backend:FileKeyring", "sshknock"
        ),
        "system": lambda: open_keyring(memory),
    }
    return made[request.param]()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_returned(ring: Keyring, name: str) -> None:
    """Every text under every name, replaced and forgotten, without touching the others."""
    ring.set("other", "untouched")
    assert ring.get(name) is None
    for text in TEXTS:
        ring.set(name, text)
        assert ring.get(name) == text
    ring.delete(name)
    assert ring.get(name) is None
    assert ring.get("other") == "untouched"


def test_forgetting_what_is_not_there_is_no_error(ring: Keyring) -> None:
    """It is gone either way."""
    ring.delete("nobody")


# The file keyring


def test_the_file_is_private_and_the_folders_too() -> None:
    """0600 in folders of 0700, whatever the umask."""
    FileStore(keyring_folder(), "sshknock").set("box", "{}")
    path = keyring_folder() / "sshknock" / "box.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert keyring_folder().stat().st_mode & 0o777 == 0o700


def test_what_a_killed_write_left_behind_is_forgotten_too() -> None:
    """It holds the secret as well; another name's leftovers are none of ours."""
    store = FileStore(keyring_folder(), "sshknock")
    store.set("box", "{}")
    folder = keyring_folder() / "sshknock"
    for name in ("box", "boxes"):
        (folder / f".{name}.json.0123456789abcdef").write_text("half of a sec")
    store.delete("box")
    assert [path.name for path in folder.iterdir()] == [".boxes.json.0123456789abcdef"]


def test_a_file_that_others_can_read_is_refused() -> None:
    """The secret may be known: said, with what to do."""
    store = FileStore(keyring_folder(), "sshknock")
    store.set("box", "{}")
    (keyring_folder() / "sshknock" / "box.json").chmod(0o640)
    with pytest.raises(BadInput, match="others can read") as caught:
        store.get("box")
    assert "chmod 600" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "..", "a%b", "ü"])
def test_no_name_leaves_the_folder_or_meets_another(name: str) -> None:
    """The backend takes any name: each has a file of its own, inside."""
    ring: keyring.backend.KeyringBackend = FileKeyring()  # type: ignore[no-untyped-call]
    ring.set_password("sshknock", name, name)
    ring.set_password("sshknock", "x", "other")
    assert ring.get_password("sshknock", name) == name
    files = list((keyring_folder() / "sshknock").iterdir())
    assert len(files) == 2
    assert all(path.is_file() for path in files)


def test_a_file_that_is_no_text_is_bad_input() -> None:
    """Half a UTF-8 character is no traceback."""
    store = FileStore(keyring_folder(), "sshknock")
    store.set("box", "{}")
    (keyring_folder() / "sshknock" / "box.json").write_bytes(b"\xc3")
    with pytest.raises(BadInput):
        store.get("box")


def test_a_folder_that_cannot_be_made_is_said(home: Path) -> None:
    """A file stands where the state folder should."""
    (home / ".local").write_text("")
    with pytest.raises(SystemFault):
        FileStore(keyring_folder(), "sshknock").set("box", "{}")


def test_the_keyring_library_knows_the_file_keyring() -> None:
    """It is found by the library's own discovery, and never taken unless asked for."""
    listed = subprocess.run(
        [sys.executable, "-m", "keyring", "--list-backends"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "sshknock.client.keyrings.backend.FileKeyring (priority: -1)" in listed.stdout
    assert FileKeyring.priority < keyring.backends.fail.Keyring.priority


def test_the_backend_deletes_as_the_library_expects() -> None:
    """A password that is not there is PasswordDeleteError."""
    with pytest.raises(keyring.errors.PasswordDeleteError):
        FileKeyring().delete_password("service", "nobody")  # type: ignore[no-untyped-call]


# The system's keyring


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (keyring.errors.KeyringLocked("x"), "locked"),
        (keyring.errors.InitError("x"), "set up"),
        (keyring.errors.NoKeyringError("x"), "no system keyring"),
        (RuntimeError("the bus is gone"), "the bus is gone"),
    ],
)
def test_every_failure_is_a_line_and_a_hint(
    memory: str, monkeypatch: pytest.MonkeyPatch, failure: Exception, words: str
) -> None:
    """Whatever a backend raises becomes KeyringUnavailable, exit 4."""
    monkeypatch.setattr(MemoryBackend, "failure", failure)
    with pytest.raises(KeyringUnavailable, match=words) as caught:
        open_keyring(memory).get("box")
    assert caught.value.hint
    assert caught.value.exit_code == 4


def test_a_keyring_that_hangs_is_given_up(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt that nobody answers: an error after the limit, no hang."""
    ring = open_keyring(memory)
    gate = threading.Event()
    monkeypatch.setattr(MemoryBackend, "gate", gate)
    monkeypatch.setattr(system, "TIME_LIMIT_S", 0.2)
    started = time.monotonic()
    with pytest.raises(KeyringUnavailable, match="did not answer"):
        ring.get("box")
    assert time.monotonic() - started < 2
    gate.set()


def test_a_backend_that_writes_elsewhere_than_it_reads_is_said(
    memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counters that are sent and never saved would be found out by the server only."""
    ring = open_keyring(memory)
    ring.set("box", "old")
    monkeypatch.setattr(MemoryBackend, "set_password", lambda *_: None)
    with pytest.raises(KeyringUnavailable, match="does not give back"):
        ring.set("box", "new")


@pytest.mark.parametrize("recorded", ["no.such.module:Keyring", "keyring.backends.null:Nothing"])
def test_a_backend_that_is_gone_is_said(recorded: str) -> None:
    """Recorded at enrolment, uninstalled since."""
    with pytest.raises(KeyringUnavailable, match="cannot be loaded"):
        open_keyring(recorded)


def _chain(*members: type) -> type:
    """Make a chain of several keyrings, as the library does where it finds more than one."""
    backends = [member() for member in members]
    return type("Chain", (keyring.backends.chainer.ChainerBackend,), {"backends": backends})


BACKENDS: dict[str, tuple[type, str | None]] = {
    "a real one": (MemoryBackend, f"{MemoryBackend.__module__}:MemoryBackend"),
    "none": (keyring.backends.fail.Keyring, None),
    "one that keeps nothing": (keyring.backends.null.Keyring, None),
    "our own files": (FileKeyring, None),
    "a chain": (
        _chain(keyring.backends.null.Keyring, MemoryBackend),
        f"{MemoryBackend.__module__}:MemoryBackend",
    ),
    "a chain of nothing": (_chain(keyring.backends.null.Keyring), None),
}


@pytest.mark.parametrize(("kind", "recorded"), BACKENDS.values(), ids=BACKENDS)
def test_which_backend_is_recorded(
    kind: type,
    recorded: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The library's choice, but nothing that keeps no secret; behind a chain, its first member."""
    backend = kind()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    if recorded is not None:
        assert find_backend() == recorded
        return
    with pytest.raises(KeyringUnavailable) as caught:
        find_backend()
    assert "--keyring file" in str(caught.value.hint)
