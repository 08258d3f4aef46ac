"""A far server that makes clients: its answers, and whatever a test wants to happen meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sshknock.protocol.token import Token
from sshknock.records import replace
from tests.client.conftest import TOKEN
from tests.client.door import HOST
from tests.client.remote.far import Reply

PORT = 1


class Box:
    """Answers as ``sshknock-server`` does, for root; ``meanwhile`` is called as a client is made.

    What it returns takes the place of the answer. Nothing listens on the port of its tokens.
    """

    def __init__(self, meanwhile: Callable[[], Reply | None] | None = None) -> None:
        self.clients: list[dict[str, Any]] = []
        self._meanwhile = meanwhile

    def add(self, name: str, token_id: str, **values: object) -> None:
        """Make a client."""
        self.clients.append(
            {"name": name, "ids": [token_id], "next": 0, "last_open": None} | values
        )

    @property
    def names(self) -> list[str]:
        """The names of all clients."""
        return [client["name"] for client in self.clients]

    def __call__(self, words: list[str], _stdin: str) -> Reply | None:
        """Answer one command line."""
        if words == ["id", "-u"]:
            return 0, "0\n", ""
        assert words[:2] == ["sshknock-server", "client"], words
        if words[2] == "list":
            return 0, json.dumps({"version": 1, "clients": self.clients}), ""
        name = words[3]
        if words[2] == "remove":
            self.clients = [client for client in self.clients if client["name"] != name]
            return 0, json.dumps({"version": 1, "removed": name}), ""
        assert words[2] == "add", words
        token_id = words[words.index("--id") + 1]
        self.add(name, token_id)
        answer = self._meanwhile() if self._meanwhile is not None else None
        return answer or (0, json.dumps({"token": self._token(name, token_id).encode()}), "")

    def _token(self, name: str, token_id: str) -> Token:
        return replace(TOKEN, name=name, pairing_id=token_id, hosts=(HOST,), port=PORT)
