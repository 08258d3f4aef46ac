"""The pairings in the books: made, moved on, switched off, rotated, removed."""

from __future__ import annotations

import json
import secrets

from sshknock.errors import NoSuchPairing, SystemFault, UsageError
from sshknock.protocol.counters import COUNTER_LIMIT
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.server.store.database import Database
from sshknock.server.store.records import Pairing, Stage


class Pairings(Database):
    """Who may open doors. One name can have several pairings, one in each stage of a rotation."""

    def pairings(self) -> list[Pairing]:
        """Return all pairings by name, whatever their stage."""
        return [
            Pairing(
                id=row[0],
                name=row[1],
                token_id=row[2],
                secret=Secret(row[3]),
                parameters=Parameters.from_dict(json.loads(row[4])),
                hosts=tuple(json.loads(row[5])),
                port=row[6],
                next=row[7],
                last_open=row[8],
                last_address=row[9],
                disabled=bool(row[10]),
                stage=Stage(row[11]),
            )
            for row in self._db.execute(
                "SELECT id, name, token_id, secret, parameters, hosts, port, next, last_open,"
                " last_address, disabled, stage FROM pairing ORDER BY name, id"
            )
        ]

    def clients(self) -> list[Pairing]:
        """Return what each name means now, by name: the current pairings."""
        return [pairing for pairing in self.pairings() if pairing.stage is Stage.CURRENT]

    def pairing(self, name: str) -> Pairing:
        """Return the current pairing of a name, any case; raise NoSuchPairing."""
        for pairing in self.clients():
            if pairing.name.lower() == name.lower():
                return pairing
        raise NoSuchPairing(
            f"there is no pairing {name!r}", "'sshknock-server client list' shows all"
        )

    def replacement(self, pairing: Pairing) -> Pairing | None:
        """Return the pairing that is to replace this one, None when there is no rotation."""
        for other in self.pairings():
            if other.stage is Stage.PENDING and other.name.lower() == pairing.name.lower():
                return other
        return None

    def is_rotating(self, pairing: Pairing) -> bool:
        """Tell whether a pairing has a new secret that was not used yet."""
        return self.replacement(pairing) is not None

    def add_pairing(
        self,
        name: str,
        *,
        hosts: tuple[str, ...],
        port: int,
        parameters: Parameters,
        now: int,
        token_id: str | None = None,
    ) -> Pairing:
        """Make a pairing with a fresh secret; raise UsageError when name or id are taken.

        ``token_id`` is chosen by a client that wants to know its own again, should it be cut off
        before it hears of it.
        """
        if any(p.name.lower() == name.lower() for p in self.clients()):
            raise UsageError(
                f"there is a pairing {name!r} already",
                f"choose another name, or 'sshknock-server client remove {name}' first",
            )
        if any(p.token_id == token_id for p in self.pairings()):
            raise UsageError(f"there is a token {token_id} already", "leave --id out")
        self._insert(name, hosts, port, parameters, now, Stage.CURRENT, token_id)
        return self.pairing(name)

    def begin_rotation(self, pairing: Pairing, *, hosts: tuple[str, ...], now: int) -> Pairing:
        """Make the pairing that will replace this one when it first opens a door.

        It has a fresh secret and counter, and takes the place of one that was waiting already.
        """
        self.end_rotation(pairing)
        self._insert(pairing.name, hosts, pairing.port, pairing.parameters, now, Stage.PENDING)
        made = self.replacement(pairing)
        if made is None:
            raise SystemFault("the server lost a pairing that was just made")
        return made

    def end_rotation(self, pairing: Pairing) -> None:
        """Forget the pairing that was to replace this one, if there is one."""
        self._db.execute(
            "DELETE FROM pairing WHERE name = ? AND stage = 'pending'", (pairing.name,)
        )

    def take_over(self, pairing: Pairing) -> None:
        """Let a pending pairing be what its name means. The former one keeps its sessions only."""
        self._db.execute(
            "UPDATE pairing SET stage = 'replaced' WHERE name = ? AND stage = 'current'",
            (pairing.name,),
        )
        self._db.execute("UPDATE pairing SET stage = 'current' WHERE id = ?", (pairing.id,))

    def forget_replaced(self) -> None:
        """Forget the replaced pairings whose sessions are all over."""
        self._db.execute(
            "DELETE FROM pairing WHERE stage = 'replaced'"
            " AND id NOT IN (SELECT pairing FROM session)"
        )

    def remove_pairing(self, pairing: Pairing) -> None:
        """Forget all pairings of a name, their tickets and sessions."""
        self._db.execute("DELETE FROM pairing WHERE name = ?", (pairing.name,))

    def set_disabled(self, pairing: Pairing, *, disabled: bool) -> None:
        """Take all open doors from a name, or give them back; its counters stay."""
        self._db.execute(
            "UPDATE pairing SET disabled = ? WHERE name = ?", (int(disabled), pairing.name)
        )

    def move_on(self, pairing: int, *, to: int, address: str, now: int) -> None:
        """Note that a door was opened, and let ``next`` grow to ``to``."""
        self.raise_next(pairing, to)
        self._db.execute(
            "UPDATE pairing SET last_open = ?, last_address = ? WHERE id = ?",
            (now, address, pairing),
        )

    def raise_next(self, pairing: int, to: int) -> None:
        """Let ``next`` grow to ``to``; it never decreases. Doors below it lose their tickets.

        At the limit it stays: the pairing is used up, and has no door any more.
        """
        self._db.execute(
            "UPDATE pairing SET next = max(next, ?) WHERE id = ?", (min(to, COUNTER_LIMIT), pairing)
        )
        self._db.execute(
            "DELETE FROM ticket WHERE pairing = ? AND purpose = 'open' AND counter <"
            " (SELECT next FROM pairing WHERE id = ?)",
            (pairing, pairing),
        )

    def _insert(
        self,
        name: str,
        hosts: tuple[str, ...],
        port: int,
        parameters: Parameters,
        now: int,
        stage: Stage,
        token_id: str | None = None,
    ) -> None:
        self._db.execute(
            "INSERT INTO pairing (name, token_id, secret, parameters, hosts, port, created_at,"
            " stage) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                token_id or secrets.token_hex(8),
                secrets.token_bytes(32),
                json.dumps(parameters.to_dict()),
                json.dumps(hosts),
                port,
                now,
                stage.value,
            ),
        )
