"""Saved rulesets with a copy of our table are found, wherever the machine loads them from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sshknock.server import paths
from sshknock.server.installation import saved_rulesets

SAVED = "table inet sshknock {\n\tset hidden {\n\t\telements = { 22 }\n\t}\n}\n"


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the machine loads; there is none yet."""
    path = tmp_path / "nftables.conf"
    monkeypatch.setattr(paths, "SAVED_RULESETS", (path, tmp_path / "none"))
    return path


def test_a_machine_without_saved_rules(main: Path) -> None:
    """Nothing to read, and nothing to complain of."""
    assert not main.exists()
    assert saved_rulesets.with_our_table() == []


@pytest.mark.parametrize(
    "text", [SAVED, f"flush ruleset\n{SAVED}", "  add  table\tinet  sshknock\n"]
)
def test_a_copy_is_found(text: str, main: Path) -> None:
    """As `nft list ruleset` prints it, or written by hand."""
    main.write_text(text)
    assert saved_rulesets.with_our_table() == [main]


@pytest.mark.parametrize(
    "text",
    [
        "table inet filter {\n}\n",
        "#!/usr/sbin/nft -f\n# table inet sshknock {\n",
        "delete table inet sshknock\n",
        "table inet sshknock.old {\n}\n",
        "table ip sshknock {\n}\n",
    ],
)
def test_other_rules_are_not_ours(text: str, main: Path) -> None:
    """Other tables, comments, and who takes ours away."""
    main.write_text(text)
    assert saved_rulesets.with_our_table() == []


def test_what_a_file_includes_is_read_too(main: Path) -> None:
    """By pattern, in both quotes; a circle ends."""
    folder = main.with_name("nftables.d")
    folder.mkdir()
    other, saved = folder / "a.nft", folder / "b.nft"
    other.write_text(f"include '{main}'\n")
    saved.write_text(SAVED)
    main.write_text(f'flush ruleset\ninclude "{folder}/*.nft"\n')
    assert saved_rulesets.with_our_table() == [saved]
