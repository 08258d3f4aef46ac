"""One address and one source."""

from __future__ import annotations

import socket

import pytest

from sshknock.client.route import resolve
from sshknock.errors import SshknockError


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_packets_are_bound_to_the_source_that_the_kernel_chose(host: str) -> None:
    """The source is an address of this machine, with a free port; knocks go to other ports."""
    route = resolve(host, 22)
    assert route.address[:2] == (host, 22)
    assert route.source[:2] == (host, 0)
    assert route.to_port(4000)[:2] == (host, 4000)
    with route.socket(socket.SOCK_STREAM) as bound:
        assert bound.getsockname()[0] == host
        assert not bound.getblocking()


def test_an_unknown_name_is_an_error_of_its_own() -> None:
    """The message names the host, the hint says that nothing was sent."""
    with pytest.raises(SshknockError) as caught:
        resolve("nowhere.invalid", 22)
    assert "nowhere.invalid" in caught.value.message
    assert "nothing was sent" in str(caught.value.hint)
    assert caught.value.exit_code == 1


def test_an_address_without_a_route_is_an_error_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the kernel knows no way, the message names the host and nothing is sent."""
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("255.255.255.255", 22))],
    )
    with pytest.raises(SshknockError) as caught:
        resolve("box", 22)
    assert "no way leads to box" in caught.value.message
    assert caught.value.exit_code == 1
