"""The token: one line with everything that a client needs to know of a server.

``sshknock1.<base64url of JSON>.<check>``, where the check is the first eight digits of the
SHA-256 of what stands before it: a token that was cut off while copying is told apart from one
that never was a token. The check protects from accidents only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from sshknock.errors import BadInput
from sshknock.protocol.names import (
    is_admission,
    is_pairing_id,
    parse_host,
    parse_name,
    parse_port,
)
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.records import record

_PREFIX = "sshknock1"
_CHECK_DIGITS = 8
_LONGEST = 65536
_KEYS = {"name", "id", "hosts", "port", "secret", "parameters"}


@record
class Token:
    """A pairing as the server hands it to its one client.

    ``admission_s`` is how long the server admits an address after a train, and 0 where it admits
    the next connection only: a client that is still admitted must not take an open port for one
    that is not hidden.
    """

    name: str
    pairing_id: str
    hosts: tuple[str, ...]
    port: int
    secret: Secret
    parameters: Parameters
    admission_s: int = 0

    def encode(self) -> str:
        """Return the one line. It holds the secret."""
        values = {
            "name": self.name,
            "id": self.pairing_id,
            "hosts": list(self.hosts),
            "port": self.port,
            "secret": self.secret.hex(),
            "parameters": self.parameters.to_dict(),
        }
        if self.admission_s:
            values["admission_s"] = self.admission_s
        text = json.dumps(values, separators=(",", ":")).encode()
        body = f"{_PREFIX}.{base64.urlsafe_b64encode(text).decode().rstrip('=')}"
        return f"{body}.{_check(body)}"

    @classmethod
    def decode(cls, text: str) -> Token:
        """Read the one line; raise BadInput for anything else, without repeating any of it."""
        line = text.strip()
        if not (line.startswith(_PREFIX + ".") and line.isascii() and len(line) <= _LONGEST):
            raise BadInput(
                "this is no sshknock token",
                f"a token is one line that begins with {_PREFIX}; "
                "'sshknock-server client add' makes one",
            )
        body, _, check = line.rpartition(".")
        if check != _check(body):
            raise BadInput(
                "the token is damaged or incomplete",
                "copy the whole line, from its first to its last character",
            )
        return cls._from_values(_load(body.partition(".")[2]))

    @classmethod
    def _from_values(cls, values: dict[str, Any]) -> Token:
        admission_s = values.pop("admission_s", 0)
        if set(values) != _KEYS:
            raise BadInput(
                "the token was made by another version of sshknock",
                "use the same version on the server and here",
            )
        hosts, pairing_id = values["hosts"], values["id"]
        texts = (values["name"], values["secret"], pairing_id)
        if (
            not all(isinstance(value, str) for value in texts)
            or not isinstance(hosts, list)
            or not all(isinstance(host, str) for host in hosts)
            or not isinstance(values["port"], int)
            or not isinstance(values["parameters"], dict)
            or not is_pairing_id(pairing_id)
            or not is_admission(admission_s)
        ):
            raise BadInput("the token holds something that it should not")
        return cls(
            name=parse_name(values["name"]),
            pairing_id=pairing_id,
            hosts=tuple(parse_host(host) for host in hosts),
            port=parse_port(values["port"]),
            secret=Secret.from_hex(values["secret"]),
            parameters=Parameters.from_dict(values["parameters"]),
            admission_s=admission_s,
        )


def _check(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:_CHECK_DIGITS]


def _load(encoded: str) -> dict[str, Any]:
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise BadInput("the token holds something that it should not")
    return values
