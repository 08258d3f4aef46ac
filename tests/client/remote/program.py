"""What a far server answers where ``sshknock-server`` and perhaps ``sudo`` are there."""

from __future__ import annotations

import json

from tests.client.conftest import PAIRING_ID
from tests.client.remote.far import Reply

DENIED = "sudo: a password is required\n"


class Server:
    """Answers as ``sshknock-server`` does; ``next`` is its counter."""

    def __init__(self, *, next_: int = 0, user: int = 0, password: str | None = None) -> None:
        self.next = next_
        self.user = user
        self.password = password
        self.clients: list[object] = [{"name": "somebody", "ids": ["f" * 16]}]
        self.clients.append({"name": "laptop", "ids": ["0" * 16, PAIRING_ID]})

    def __call__(self, words: list[str], stdin: str) -> Reply | None:
        """Answer one command line."""
        if words == ["id", "-u"]:
            return 0, f"{self.user}\n", ""
        if words[0] == "sudo":
            given = stdin.removesuffix("\n") if "-S" in words else None
            if self.password is not None and given != self.password:
                return 1, "", DENIED if given is None else "sudo: 1 incorrect password attempt\n"
            words = words[words.index("--") + 1 :]
        elif self.user:
            return 1, "", "sshknock: this needs root\n"
        return self.run(words)

    def run(self, words: list[str]) -> Reply | None:
        """Be sshknock-server."""
        if words == ["sshknock-server", "client", "list", "--json"]:
            return 0, json.dumps({"version": 1, "clients": self.clients}), ""
        assert words[:3] == ["sshknock-server", "sync", "laptop"]
        assert words[3] == "--at-least"
        assert words[5] == "--json"
        self.next = max(self.next, int(words[4]))
        return 0, json.dumps({"version": 1, "name": "laptop", "next": self.next}), ""
