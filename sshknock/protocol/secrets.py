"""The pairing's secret, which never shows itself."""

from __future__ import annotations

import hmac

from sshknock.errors import BadInput

SECRET_BYTES = 32


class Secret:
    """32 bytes that both sides share: redacted when printed, compared in constant time."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        if len(value) != SECRET_BYTES:
            raise BadInput(f"a secret has {SECRET_BYTES} bytes, not {len(value)}")
        self._value = bytes(value)

    @classmethod
    def from_hex(cls, text: str) -> Secret:
        """Read 64 hexadecimal digits; the error never repeats the text."""
        digits = text.strip()
        try:
            value = bytes.fromhex(digits)
        except ValueError:
            value = b""
        if len(digits) != 2 * SECRET_BYTES or len(value) != SECRET_BYTES:
            raise BadInput(
                f"a secret is written as {2 * SECRET_BYTES} hexadecimal digits",
                "the text is damaged or is no secret; it is not shown here on purpose",
            )
        return cls(value)

    @property
    def value(self) -> bytes:
        """The bytes themselves, for the derivation and for storing."""
        return self._value

    def hex(self) -> str:
        """Return the 64 digits, for a token, a keyring or the server's store only."""
        return self._value.hex()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"
