"""server.toml: what is written is read, and what is wrong is named."""

from pathlib import Path

import pytest

from sshknock.errors import BadInput
from sshknock.server import config
from sshknock.server.config import Admit, Config, Hook, NotSetUp, Refuse, Service


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Every setting survives, and the file is private."""
    path = tmp_path / "server.toml"
    written = Config(
        "eth0.7", (22, 2222), admit=Admit.TIMED, timeout_s=300, refuse=Refuse.DROP,
        hook=Hook.NONE, service=Service.SYSTEMD,
    )  # fmt: skip
    config.save(written, path)
    assert config.load(path) == written
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("interface = 'eth0'\ncolour = 1", "colour"),
        ("interface = 'eth0'\nports = '22'", "ports"),
        ("interface = 'eth0'\nports = [true]", "ports"),
        ("interface = 'eth0'\nports = []", "port"),
        ("interface = 'eth0'\nports = [0]", "port"),
        ("interface = 'eth0'\ntimeout_s = 1.5", "timeout_s"),
        ("interface = 'eth0'\ntimeout_s = 0", "timeout"),
        ("interface = 'eth0'\nadmit = 'all'", "admit"),
        ("interface = 'eth0; reboot'", "interface"),
        ("ports = [22]", "interface"),
        ("interface = ", "TOML"),
    ],
    ids=lambda value: repr(value)[-30:],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    """The message says which file and which setting."""
    path = tmp_path / "server.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=named) as caught:
        config.load(path)
    assert str(path) in caught.value.message


def test_without_a_file_the_server_is_not_set_up(tmp_path: Path) -> None:
    """And the hint says how to."""
    with pytest.raises(NotSetUp) as caught:
        config.load(tmp_path / "none.toml")
    assert "init" in (caught.value.hint or "")
