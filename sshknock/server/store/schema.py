"""The shape of the books, version by version, and how older books are brought up to date.

New books are made by the same steps that lead old ones on, so there is one truth. A step is never
changed once it was released; a new version is a new step.
"""

from __future__ import annotations

import secrets
import sqlite3

from sshknock.errors import BadInput

_VERSION_1 = """
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
    -- AUTOINCREMENT: an id that was once issued is never issued again.
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
"""

# A pairing's name is no longer unique by itself: while its secret is rotated there are two, and one
# that was replaced stays until its sessions are over. SQLite cannot drop a constraint, so the table
# is made anew, as its manual says (lang_altertable, section 7).
_VERSION_2 = """
CREATE TABLE pairing_2 (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE,
    token_id TEXT NOT NULL UNIQUE,
    secret BLOB NOT NULL,
    parameters TEXT NOT NULL,
    hosts TEXT NOT NULL,
    port INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    last_open INTEGER,
    last_address TEXT,
    disabled INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT 'current' CHECK (stage IN ('pending', 'current', 'replaced'))
) STRICT;
INSERT INTO pairing_2 (id, name, token_id, secret, parameters, hosts, port, next, created_at,
                       last_open, last_address)
    SELECT id, name, token_id, secret, parameters, hosts, port, next, created_at,
           last_open, last_address FROM pairing;
DROP TABLE pairing;
ALTER TABLE pairing_2 RENAME TO pairing;
CREATE UNIQUE INDEX pairing_by_stage ON pairing (name, stage) WHERE stage <> 'replaced';
CREATE TABLE guest (address TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
"""

# A guest's time is bounded by what the kernel said, too: of older ones by the longest there is.
_VERSION_3 = """
ALTER TABLE guest ADD COLUMN left_s INTEGER NOT NULL DEFAULT 86400;
"""

# The counter of a door was words in a line's detail, and what happened had blanks in it. Tickets
# that are spent are remembered for a while: who comes later plays a sequence again. So are sessions
# that ended before anybody told of their login.
_VERSION_4 = """
ALTER TABLE event ADD COLUMN counter INTEGER;
UPDATE event SET counter = CAST(substr(detail, 9) AS INTEGER), detail = ''
    WHERE detail GLOB 'counter [0-9]*';
UPDATE event SET kind = replace(kind, ' ', '-');
CREATE TABLE spent (
    ticket INTEGER PRIMARY KEY,
    pairing TEXT NOT NULL,
    counter INTEGER NOT NULL,
    address TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE unattended (
    pairing TEXT NOT NULL,
    counter INTEGER NOT NULL,
    address TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
"""

_STEPS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4)
VERSION = len(_STEPS)


def bring_up_to_date(db: sqlite3.Connection, path: object) -> None:
    """Lead the books of any older version, or an empty file, to this one.

    The caller is inside a transaction, with foreign keys off: they would take the tickets along
    when a table is made anew. Raises BadInput, and has changed nothing, for a newer version.
    """
    version = _version(db)
    if version is None or not 0 <= version <= VERSION:
        raise BadInput(
            f"{path} was made by a newer sshknock, or is damaged: this one does not know its form",
            "use the version that made it; nothing was changed",
        )
    for step in _STEPS[version:]:
        for statement in step.split(";\n"):
            if statement.strip():
                db.execute(statement)
    if version == 0:
        db.execute("INSERT INTO meta VALUES ('decoys', ?)", (secrets.token_hex(32),))
    if version != VERSION:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (str(VERSION),))


def _version(db: sqlite3.Connection) -> int | None:
    """Return the version of the books, 0 for an empty file, None for one that is no number."""
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone():
        return 0
    found = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    text = str(found[0]) if found else ""
    return int(text) if text.isascii() and text.isdecimal() and text != "0" else None
