"""Networks that are always admitted: what is one, and what the kernel makes of them."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from sshknock.errors import BadInput
from sshknock.server import config, networks
from sshknock.server.config import Config
from sshknock.server.networks import parse_network, parse_networks, ranges


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/32", "192.0.2.7/32"),
        ("fd00::/8", "fd00::/8"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
    ],
)
def test_what_is_a_network(text: str, network: str) -> None:
    """A prefix or a single address of either family."""
    assert str(parse_network(text)) == network


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "fd00::1/8", "fe80::1%eth0",
        "fe80::%eth0/64", "vpn.example", "10.0.0.0/8/8", "10.0.0.0-10.0.0.9", "::ffff:0:0/96",
        "10.0.0.0/8 } ; flush ruleset",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    """Refused in one line."""
    with pytest.raises(BadInput) as caught:
        parse_network(text)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "texts",
    [["0.0.0.0/0"], ["::/0"], ["10.0.0.0/8", "::/1", "8000::/1"], ["0.0.0.0/1", "128.0.0.0/1"]],
)
def test_everybody_is_no_network(texts: list[str]) -> None:
    """Nothing would be hidden, so nothing is to be set up."""
    with pytest.raises(BadInput, match="everybody"):
        parse_networks(texts)


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (["0.0.0.0/1"], "50 % of all addresses in 0.0.0.0/0"),
        (["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3", "224.0.0.0/4"], "93 %"),
        (["::/1"], "50 % of all addresses in ::/0"),
        (["2000::/3"], "100 % of all addresses in 2000::/3"),
        (["fd00::/8", "2000::/4"], "50 % of all addresses in 2000::/3"),
    ],
)
def test_what_adds_up_to_almost_everybody_is_refused(texts: list[str], share: str) -> None:
    """No single one is all, and together they would hide next to nothing."""
    with pytest.raises(BadInput, match=share):
        parse_networks(texts)


@pytest.mark.parametrize(
    ("text", "wide"),
    [
        ("10.0.0.0/8", False),
        ("10.0.0.0/7", True),
        ("fd00::/16", False),
        ("fd00::/15", True),
    ],
)
def test_what_is_wider_than_a_network_of_ones_own(text: str, *, wide: bool) -> None:
    """It is taken, and told of."""
    (network,) = parse_networks([text])
    assert networks.is_wide(network) is wide


def test_each_address_is_in_one_network() -> None:
    """What overlaps or is said twice is said once, IPv4 first."""
    given = ["fd00::/8", "10.1.0.0/16", "10.0.0.0/8", "192.0.2.1", "192.0.2.1", "192.0.2.0"]
    assert list(map(str, parse_networks(given))) == ["10.0.0.0/8", "192.0.2.0/31", "fd00::/8"]


def test_neighbours_are_one_range() -> None:
    """As the kernel lists them, or every reconcile would change the table."""
    given = parse_networks(["192.0.2.0/25", "192.0.2.128/26", "192.0.3.0/24", "fd00::/8"])
    assert ranges(given) == {
        (ipaddress.ip_address("192.0.2.0"), ipaddress.ip_address("192.0.2.191")),
        (ipaddress.ip_address("192.0.3.0"), ipaddress.ip_address("192.0.3.255")),
        (ipaddress.ip_address("fd00::"), ipaddress.ip_address("fdff:" + ":".join(["ffff"] * 7))),
    }


def test_an_address_is_in_a_network_of_its_family() -> None:
    """The other family's do not count."""
    given = parse_networks(["10.0.0.0/8", "fd00::/8"])
    assert networks.contain(given, ipaddress.ip_address("10.2.3.4"))
    assert networks.contain(given, ipaddress.ip_address("fd00::1"))
    assert not networks.contain(given, ipaddress.ip_address("11.2.3.4"))


def test_the_settings_keep_them(tmp_path: Path) -> None:
    """What was saved is loaded, and a wrong one is named."""
    path = tmp_path / "server.toml"
    written = Config("eth0", always=parse_networks(["10.0.0.0/8", "fd00::/8"]))
    config.save(written, path)
    assert config.load(path) == written
    assert 'always = ["10.0.0.0/8", "fd00::/8"]' in path.read_text()
    for wrong in ('always = "10.0.0.0/8"', "always = [10]", 'always = ["0.0.0.0/0"]'):
        path.write_text(f"interface = 'eth0'\n{wrong}")
        with pytest.raises(BadInput, match="always"):
            config.load(path)
