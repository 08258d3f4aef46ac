"""Debian's ent and dieharder, the real ones."""

from __future__ import annotations

import os

import numpy as np
import pytest

from sshknock.analysis import samples
from sshknock.analysis.measures import batteries
from sshknock.errors import SystemFault
from sshknock.protocol.parameters import Parameters

GOOD = batteries.octets_of_numbers(samples.numbers("hmac", batteries.OCTETS // 2, bytes(32)))


@pytest.fixture
def _installed(request: pytest.FixtureRequest) -> None:
    """Need both programs, as contrib/test.sh installs them."""
    if batteries.missing():
        if request.config.getoption("--no-skip"):
            pytest.fail("ent and dieharder have to be installed here", pytrace=False)
        pytest.skip("needs ent and dieharder")


@pytest.mark.usefixtures("_installed")
def test_good_bytes_pass_all() -> None:
    """HMAC-SHA-256, always the same bytes: both programs find nothing."""
    section = batteries.section(GOOD, "ports_battery", "Ports")
    assert [measure.key for measure in section.measures if measure.holds is False] == []
    found = {measure.key: measure.value for measure in section.measures}
    assert found["sts_serial"] == "30 of 30 passed"
    assert found["ent_mean"] == pytest.approx(127.5, abs=1)
    assert section.remarks == ()


@pytest.mark.usefixtures("_installed")
def test_neighbouring_bits_of_the_henon_map_fail() -> None:
    """One step apart they are nothing like a coin's."""
    some = samples.bits("henon", batteries.OCTETS, bytes(32), Parameters().bits, 1)
    bits = np.tile(some, 8)
    section = batteries.section(batteries.octets_of_bits(bits), "protocols_battery", "Protocols")
    says = {measure.key: measure.holds for measure in section.measures}
    assert (says["ent_chi_square"], says["sts_runs"], says["sts_serial"]) == (False, False, False)


@pytest.mark.usefixtures("_installed")
def test_too_few_bytes_are_no_verdict() -> None:
    """At their end dieharder says nothing, which is an error here and not a test that passed."""
    with pytest.raises(SystemFault, match="dieharder has no result"):
        batteries.section(GOOD[:1000], "ports_battery", "Ports")


def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rest of the report stands."""
    monkeypatch.setattr(batteries, "SEARCH_PATH", os.devnull)
    section = batteries.section(GOOD, "ports_battery", "Ports")
    assert section.measures == ()
    assert section.remarks == ("ent and dieharder not installed: apt install ent dieharder",)
