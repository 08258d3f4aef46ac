"""The strict parser of what comes from outside."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.errors import BadInput
from sshknock.protocol.addresses import parse_address
from sshknock.protocol.names import parse_host, parse_name, parse_port

HOSTILE = ["", "$(id)", "a b", "a\nb", "a;b", "-x", "x" * 10_000, "a'b", 'a"b', "a\0b", "..", "ü"]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: repr(t[:12]))
def test_hostile_texts_are_no_name_no_host_no_port_and_no_address(text: str) -> None:
    """One clear error, short even when the text is long."""
    for parse in (parse_name, parse_host, parse_port, parse_address):
        with pytest.raises(BadInput) as caught:
            parse(text)
        assert len(caught.value.message) < 200
        assert caught.value.message.isprintable()


@given(st.ip_addresses())
def test_an_address_is_itself(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Addresses come back as they went in; a mapped one becomes plain IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert parse_address(str(address)) == (mapped or address)


def test_a_zone_is_refused() -> None:
    """An address from a hook has no zone."""
    with pytest.raises(BadInput, match="zone"):
        parse_address("fe80::1%eth0")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Server.Example.", "server.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("my_host", "my_host"),
    ],
)
def test_hosts_are_folded(text: str, host: str) -> None:
    """Case is folded and a final dot goes, so that what ssh says matches what was enrolled."""
    assert parse_host(text) == host


@pytest.mark.parametrize("text", ["0", "65536", "-1", "1e3", "٣", "1.0", "999999999999"])
def test_ports_are_ports(text: str) -> None:
    """Nothing else is."""
    with pytest.raises(BadInput):
        parse_port(text)
