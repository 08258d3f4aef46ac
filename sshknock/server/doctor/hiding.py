"""The table: whether the port is hidden, and no other table keeps everybody out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sshknock.server import exposures, hiding, interfaces
from sshknock.server.access import opened
from sshknock.server.config import Config
from sshknock.server.doctor import other_tables
from sshknock.server.doctor.finding import Finding, note, ok, problem
from sshknock.server.firewall import kernel
from sshknock.server.hiding import Mode
from sshknock.server.installation import saved_rulesets
from sshknock.server.reconcile import is_exposed
from sshknock.server.upkeep import RECONCILE

_LEGACY = ("ip_tables_names", "ip6_tables_names")


def check_port(_config: Config) -> Iterator[Finding]:
    """Look whether the port is hidden, by an intact table, as it was meant."""
    now = int(time.time())
    with opened() as (config, store):
        exposed = is_exposed(store, config, kernel.read())
        wish = hiding.of(store)
        exposure = exposures.last(store, now)
    ports = ", ".join(map(str, config.ports))
    sentence = wish.sentence(ports, config.interface, now)
    if wish.mode is Mode.TRIAL_OVER:
        yield problem(sentence, hiding.HOW_TO_HIDE)  # it was to be hidden, and nobody came in
    elif wish.mode is Mode.UNHIDDEN:
        yield note(sentence, hiding.HOW_TO_HIDE)
    elif exposed:
        yield problem(
            f"Port {ports} is visible: our table is gone, or somebody changed it.",
            f"{RECONCILE}; and look who did it: nft monitor",
        )
    else:
        yield ok(sentence)
    if exposure is not None and exposure.until is not None:
        yield note(exposure.sentence(ports), exposure.remedy)


def check_other_tables(config: Config) -> Iterator[Finding]:
    """Look whether another table drops new connections to the hidden port, whoever asks.

    What they do with knocks does not matter: knockd sees packets before any filter.
    """
    own = interfaces.reachable(interfaces.addresses(config.interface))
    versions = sorted({address.version for address in own})
    rules = other_tables.listing()
    found = False
    for port in config.ports:
        chains = {
            version: list(other_tables.that_drop(rules, port, config.interface, version))
            for version in versions
        }
        for version in versions:
            for chain in chains[version]:
                found = True
                what = f"The {chain} drops every new connection to port {port} over IPv{version}"
                remedy = f"accept tcp port {port} there: our own table hides it"
                if all(chains.values()):
                    yield problem(f"{what}: nobody gets in, knocked or not.", remedy)
                else:
                    yield note(f"{what}.", f"if clients use IPv{version}, {remedy}")
    if not found:
        yield ok("No other table of nftables keeps everybody from the hidden port.")


def check_saved_rulesets(_config: Config) -> Iterator[Finding]:
    """Look for copies of our table that would hide the port when sshknock is gone."""
    files = saved_rulesets.with_our_table()
    for file in files:
        yield problem(
            f"{file} holds a copy of our table: once sshknock is uninstalled, the next boot hides"
            " the port by it, and nothing opens it.",
            saved_rulesets.HOW_TO_MEND,
        )
    if not files:
        yield ok("No saved ruleset holds a copy of our table.")


def check_legacy_tables(_config: Config) -> Iterator[Finding]:
    """Look for rules that nft does not show."""
    names = set()
    for file in _LEGACY:
        with suppress(OSError):
            names |= set(Path(f"/proc/self/net/{file}").read_text().split())
    if names:
        yield note(
            f"iptables-legacy has tables beside those of nftables: {', '.join(sorted(names))}.",
            "if nobody gets in, look there, too: iptables-legacy-save",
        )
