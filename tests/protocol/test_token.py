"""The token: whole or refused, and never shown."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.errors import BadInput
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.protocol.token import Token
from tests.protocol import strategies

TOKEN = Token(
    name="laptop",
    pairing_id="0123456789abcdef",
    hosts=("server.example", "192.0.2.7", "2001:db8::7"),
    port=22,
    secret=Secret(bytes(range(32))),
    parameters=Parameters(),
)


@given(strategies.secrets, strategies.parameters(), st.integers(0, 3600))
def test_what_was_encoded_is_decoded(
    secret: Secret, parameters: Parameters, admission_s: int
) -> None:
    """Encoding and decoding lose nothing, whatever white space comes along."""
    token = Token("a", "0" * 16, ("h",), 2222, secret, parameters, admission_s)
    assert Token.decode(f"  {token.encode()}\r\n") == token


@given(st.data())
def test_a_token_that_was_cut_or_changed_is_refused_without_being_shown(
    data: st.DataObject,
) -> None:
    """One line and a hint; no part of the token is in either."""
    line = TOKEN.encode()
    at = data.draw(st.integers(0, len(line) - 1))
    cut = data.draw(st.booleans())
    other = "B" if line[at] == "A" else "A"
    damaged = line[:at] if cut else line[:at] + other + line[at + 1 :]
    with pytest.raises(BadInput) as caught:
        Token.decode(damaged)
    body = line.split(".")[1]
    assert body[:12] not in caught.value.message + (caught.value.hint or "")


@given(st.text(max_size=200))
def test_anything_else_is_refused(text: str) -> None:
    """No text makes the decoder fail in any other way."""
    with pytest.raises(BadInput):
        Token.decode(text)


@pytest.mark.parametrize("text", ["\ud800", "\N{SNOWMAN}", "[" * 30_000], ids=ascii)
def test_a_whole_line_around_what_is_none_is_refused(text: str) -> None:
    """As a server might answer: its check is right, if it can have one at all."""
    encoded = base64.urlsafe_b64encode(text.encode(errors="surrogatepass")).decode().rstrip("=")
    for body in (f"sshknock1.{text}", f"sshknock1.{encoded}"):
        check = hashlib.sha256(body.encode(errors="surrogatepass")).hexdigest()[:8]
        with pytest.raises(BadInput):
            Token.decode(f"{body}.{check}")


def test_a_secret_never_shows_itself() -> None:
    """Neither the token's nor the secret's repr holds a digit of it."""
    assert TOKEN.secret.hex()[:8] not in repr(TOKEN)
    assert repr(TOKEN.secret) == "Secret(…)"
