"""Older books are led on whole or not at all; those of a newer version are left alone."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sshknock.errors import BadInput
from sshknock.protocol.knocks import Purpose
from sshknock.server.store import Event, Guest, Session, Stage, Store, schema

# As the first version wrote it. This is history: it is never changed.
VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pairing (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    token_id TEXT NOT NULL UNIQUE,
    secret BLOB NOT NULL,
    parameters TEXT NOT NULL,
    hosts TEXT NOT NULL,
    port INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    last_open INTEGER,
    last_address TEXT
) STRICT;
CREATE TABLE ticket (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pairing INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    counter INTEGER NOT NULL,
    sequence TEXT NOT NULL,
    closing TEXT NOT NULL,
    generation INTEGER NOT NULL,
    UNIQUE (pairing, purpose, counter)
) STRICT;
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    pairing INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    counter INTEGER NOT NULL,
    address TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    peer_port INTEGER,
    sshd_pid INTEGER,
    sshd_started INTEGER,
    UNIQUE (pairing, counter)
) STRICT;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    pairing TEXT,
    address TEXT,
    detail TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO meta VALUES ('schema', '1'), ('decoys', '00ff'), ('generation', '77');
INSERT INTO pairing VALUES
    (3, 'laptop', '0123456789abcdef', zeroblob(32),
     '{"window": 4}', '["h.example", "192.0.2.1"]', 22, 41, 1700000000, 1700000100, '192.0.2.7'),
    (7, 'Phone', 'fedcba9876543210', zeroblob(32), '{}', '["h.example"]', 22, 0, 1700000001,
     NULL, NULL);
INSERT INTO ticket VALUES
    (900, 3, 'open', 41, '4001:tcp,4002:udp,4000:tcp', '5001:tcp,5002:udp,5000:tcp', 77),
    (901, 3, 'close', 40, '5001:udp,5003:tcp,5002:tcp', '5001:udp,5003:tcp,5002:tcp', 77);
INSERT INTO session VALUES (5, 3, 40, '192.0.2.7', 1700000100, 12, 50000, 321, 13);
INSERT INTO event VALUES (1234, 1700000100, 'open', 'laptop', '192.0.2.7', 'counter 40'),
    (1235, 1700000200, 'trial over', NULL, NULL, 'nobody came');
"""

# Opens the books, and is killed when the statement of the given number begins.
KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
connect, seen = sqlite3.connect, 0

def count(statement):
    global seen
    seen += 1
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

def traced(*arguments, **options):
    db = connect(*arguments, **options)
    db.set_trace_callback(count)
    return db

sqlite3.connect = traced
from sshknock.server.store import Store
Store(Path(sys.argv[1])).close()
"""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Books as version 1 left them, in use."""
    path = tmp_path / "state.db"
    db = sqlite3.connect(path)
    db.executescript(VERSION_1)
    db.close()
    return path


def dump(path: Path) -> list[str]:
    """All that is in the books."""
    db = sqlite3.connect(path)
    try:
        return list(db.iterdump())
    finally:
        db.close()


def check(path: Path) -> None:
    """Everything that version 1 had is there."""
    store = Store(path)
    laptop, phone = store.pairings()
    assert (laptop.id, laptop.name, laptop.next, laptop.parameters.window) == (3, "laptop", 41, 4)
    assert (laptop.hosts, laptop.last_open) == (("h.example", "192.0.2.1"), 1700000100)
    assert (phone.id, phone.name, phone.token_id) == (7, "Phone", "fedcba9876543210")
    assert not laptop.disabled
    assert laptop.stage is Stage.CURRENT
    assert [(t.id, t.purpose, t.counter) for t in store.tickets()] == [
        (900, Purpose.OPEN, 41),
        (901, Purpose.CLOSE, 40),
    ]
    assert store.sessions() == [Session(5, 3, 40, "192.0.2.7", 1700000100, 12, 50000, 321, 13)]
    assert store.events() == [
        Event(1234, 1700000100, "open", "laptop", "192.0.2.7", 40, ""),
        Event(1235, 1700000200, "trial-over", None, None, None, "nobody came"),
    ]
    assert (store.meta("decoys"), store.meta("generation")) == ("00ff", "77")
    assert store.guests() == []
    store.close()


def test_books_of_version_1_are_led_on_with_all_that_is_in_them(books: Path) -> None:
    """Pairings and their counters, tickets and their ids, sessions, the log; opened twice."""
    check(books)
    check(books)


def test_an_id_that_version_1_issued_is_not_issued_again(books: Path) -> None:
    """Of tickets that are long gone, too: the count goes on where it was."""
    store = Store(books)
    with store.transaction():
        store.withdraw_all()
        store.issue(7, Purpose.OPEN, 0, sequence="1:tcp", closing="2:tcp", generation=1)
    assert [ticket.id for ticket in store.tickets()] == [902]
    store.close()


def test_removing_a_pairing_of_old_books_takes_its_tickets_along(books: Path) -> None:
    """The tables still refer to each other after one of them was made anew."""
    store = Store(books)
    with store.transaction():
        store.remove_pairing(store.pairing("LAPTOP"))
    assert (store.tickets(), store.sessions()) == ([], [])
    assert [pairing.name for pairing in store.pairings()] == ["Phone"]
    store.close()


def test_a_kill_at_any_statement_leaves_the_first_version_or_the_last(books: Path) -> None:
    """Killed before the end, the books are as they were, and the next one to open leads them on."""
    before = dump(books)
    kills = 0
    while True:
        run = [sys.executable, "-c", KILLED, str(books), str(kills + 1)]
        done = subprocess.run(run, check=False, capture_output=True)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        kills += 1
        if dump(books) != before:  # the kill came after the commit
            check(books)
            books.unlink()
            db = sqlite3.connect(books)
            db.executescript(VERSION_1)
            db.close()
    assert kills > 8, "there were statements to be killed at"
    check(books)


def test_the_guests_of_version_2_keep_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel had said of them was not written down: the longest time is the bound."""
    path = tmp_path / "state.db"
    with monkeypatch.context() as before:
        before.setattr(schema, "_STEPS", schema._STEPS[:2])
        before.setattr(schema, "VERSION", 2)
        Store(path).close()
    db = sqlite3.connect(path)
    db.execute("INSERT INTO guest VALUES ('192.0.2.7', 1700003600)")
    db.commit()
    db.close()
    store = Store(path)
    assert store.guests() == [Guest("192.0.2.7", 1700003600, 86400)]
    store.close()


@pytest.mark.parametrize("version", ["5", "10", "0", "-1", "2b", ""])
def test_books_of_an_unknown_version_are_refused_and_left_alone(books: Path, version: str) -> None:
    """A newer program's books must not be guessed at: one clear line, and not a byte changes."""
    db = sqlite3.connect(books)
    db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (version,))
    db.commit()
    db.close()
    before = books.read_bytes()
    with pytest.raises(BadInput, match="newer sshknock, or is damaged"):
        Store(books)
    assert books.read_bytes() == before
