"""The Host blocks, with ssh itself as the judge."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sshknock.client import config, ssh_config
from sshknock.client.config import Config, Pairing
from sshknock.client.enroll import change
from sshknock.errors import SshknockError, UsageError
from sshknock.records import replace

ID = "0123456789abcdef"
BOX = Pairing("box", ("192.0.2.7", "box.example"), 2222, "file", ID)
OTHER = Pairing("other", ("2001:db8::7",), 22, "file", ID)
KNOWN = Config({"box": BOX, "other": OTHER})

SSH = shutil.which("ssh") or "ssh"
needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs ssh")


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the proxy into a folder whose name the shell and ssh would both misread."""
    folder = tmp_path / "it's 100%h $HOME"
    folder.mkdir()
    made = folder / "sshknock-proxy"
    made.write_text('#!/bin/sh\necho "$*" >"$0.called"\n')
    made.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(folder / "sshknock")])
    return made


def effective(home: Path, name: str) -> dict[str, str]:
    """Ask ssh what it would do for a host."""
    done = subprocess.run(
        [SSH, "-G", "-F", str(home / ".ssh/config"), name],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def files(home: Path) -> dict[str, tuple[str, int]]:
    """Return text and mode of every file in ssh's folder."""
    return {
        path.name: (path.read_text(), path.stat().st_mode & 0o777)
        for path in (home / ".ssh").iterdir()
    }


@needs_ssh
def test_ssh_takes_the_block(home: Path, program: Path) -> None:
    """Host, port and proxy are ours; the shell gets the very path of the program."""
    ssh_config.write(["box", "other"], KNOWN)
    taken = effective(home, "box")
    assert (taken["hostname"], taken["port"]) == ("192.0.2.7", "2222")
    subprocess.run([SSH, "-F", str(home / ".ssh/config"), "box"], capture_output=True, check=False)
    assert program.with_suffix(".called").read_text() == "--name box 192.0.2.7 2222\n"
    assert effective(home, "other")["hostname"] == "2001:db8::7"
    assert "proxycommand" not in effective(home, "elsewhere")


@needs_ssh
def test_writing_twice_changes_nothing(home: Path) -> None:
    """One Include line, one block a pairing, private files."""
    ssh_config.write(["box"], KNOWN)
    before = files(home)
    ssh_config.write(["box"], KNOWN)
    assert files(home) == before
    assert before["config"][0].count("Include") == 1
    assert {mode for _, mode in before.values()} == {0o600}


@needs_ssh
@pytest.mark.parametrize(
    "own", [None, "", "Host *\n    User me", "\n# \xe9\r\n"], ids=["none", "empty", "host", "blank"]
)
def test_the_last_pairing_takes_all_of_ours_along(home: Path, own: str | None) -> None:
    """The file, and the line that includes it; not while there is another pairing."""
    path = home / ".ssh/config"
    if own is not None:
        path.parent.mkdir(mode=0o700)
        path.write_bytes(own.encode("latin-1"))
        path.chmod(0o640)
    ssh_config.write(["box"], KNOWN)
    ssh_config.refresh(Config({"other": OTHER}))
    assert sorted(file.name for file in path.parent.iterdir()) == ["config", "sshknock.conf"]
    ssh_config.refresh(Config({}))
    if own:
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (own.encode("latin-1"), 0o640)
    assert sorted(file.name for file in path.parent.iterdir()) == (["config"] if own else [])


def test_an_include_line_that_somebody_has_moved_stays(home: Path) -> None:
    """As does a file of that name that is not ours."""
    path = home / ".ssh/config"
    path.parent.mkdir(mode=0o700)
    text = f"User me\nInclude {home}/.ssh/sshknock.conf\n"
    path.write_text(text)
    ours = home / ".ssh/sshknock.conf"
    ours.write_text("# Written by 'sshknock ssh-config --write'; changes made here are lost.\n")
    ssh_config.refresh(Config({}))
    assert (path.read_text(), ours.exists()) == (text, False)
    ours.write_text("# mine\n")
    ssh_config.refresh(Config({}))
    assert ours.read_text() == "# mine\n"


@needs_ssh
def test_the_users_own_lines_stay(home: Path) -> None:
    """They follow the Include line byte for byte, with the mode that the file had."""
    own = "# mine\nHost *\n    ProxyCommand none\n    User me\n# \xe9 and no line feed at the end"
    (home / ".ssh").mkdir(mode=0o700)
    path = home / ".ssh/config"
    path.write_bytes(own.encode("latin-1"))
    path.chmod(0o644)
    ssh_config.write(["box"], KNOWN)
    first, _, rest = path.read_bytes().partition(b"\n")
    assert first.startswith(b"Include ")
    assert rest == b"\n" + own.encode("latin-1")
    assert path.stat().st_mode & 0o777 == 0o644
    taken = effective(home, "box")
    assert "--name box" in taken["proxycommand"]
    assert taken["user"] == "me"


@needs_ssh
@pytest.mark.parametrize(
    "own",
    [
        pytest.param("", id="empty"),
        pytest.param("Host *\r\n    Port 99\r\n", id="lines of DOS"),
        pytest.param("Host box\n    HostName other.example\n    ProxyJump far", id="its own host"),
        pytest.param("Host *\n    ProxyJump far\n    ProxyCommand nc %h %p\n", id="every host"),
        pytest.param("Match exec true\n    ProxyCommand nc %h %p\n", id="a match"),
        pytest.param("Match final all\n    ProxyJump far\n    Port 99\n", id="a final match"),
        pytest.param("ProxyJump far\n", id="no host at all"),
    ],
)
def test_whatever_stands_below_our_block_is_the_first(home: Path, own: str) -> None:
    """Ssh takes the first value that it sees; and a second writing changes not a byte."""
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh/config").write_bytes(own.encode())
    ssh_config.write(["box"], KNOWN)
    taken = effective(home, "box")
    assert (taken["hostname"], taken["port"]) == ("192.0.2.7", "2222")
    assert "--name box" in taken["proxycommand"]
    before = [(home / ".ssh" / name).read_bytes() for name in ("config", "sshknock.conf")]
    assert before[0].endswith(own.encode())
    ssh_config.write(["box"], KNOWN)
    after = [(home / ".ssh" / name).read_bytes() for name in ("config", "sshknock.conf")]
    assert after == before


@needs_ssh
def test_a_link_that_leads_nowhere_yet(home: Path) -> None:
    """The file that it names is made."""
    (home / ".ssh").mkdir(mode=0o700)
    (home / "dotfiles").mkdir()
    (home / ".ssh/config").symlink_to("../dotfiles/ssh")
    ssh_config.write(["box"], KNOWN)
    assert (home / "dotfiles/ssh").read_text().startswith("Include ")
    assert "--name box" in effective(home, "box")["proxycommand"]


def test_a_config_that_cannot_be_written(home: Path) -> None:
    """Where another program makes it: the line to be added there is told, and nothing is left."""
    (home / ".ssh").mkdir(mode=0o700)
    link = home / ".ssh/config"
    link.symlink_to("/proc/version")
    with pytest.raises(SshknockError, match="cannot write /proc/version") as caught:
        ssh_config.write(["box"], KNOWN)
    assert "begin it with 'Include " in (caught.value.hint or "")
    assert list((home / ".ssh").iterdir()) == [link]


@needs_ssh
def test_an_include_that_another_program_has_written_is_enough(home: Path) -> None:
    """Below other settings, quoted, among others: the file is left as it is."""
    (home / ".ssh").mkdir(mode=0o700)
    path = home / ".ssh/config"
    own = f'# made\nUser me\nInclude=other.conf "{home}/.ssh/sshknock.conf"\n\nHost *\n'
    path.write_text(own)
    ssh_config.write(["box"], KNOWN)
    assert path.read_text() == own
    assert "--name box" in effective(home, "box")["proxycommand"]


@needs_ssh
def test_an_include_inside_a_host_block_is_not_enough(home: Path) -> None:
    """There it belongs to that host alone; at the top it is not added a second time."""
    (home / ".ssh").mkdir(mode=0o700)
    path = home / ".ssh/config"
    path.write_text("Host far\n    Include sshknock.conf\n")
    ssh_config.write(["box"], KNOWN)
    text = path.read_text()
    assert text.startswith("Include ")
    ssh_config.write(["box"], KNOWN)
    assert path.read_text() == text


@needs_ssh
def test_a_symbolic_link_is_followed(home: Path) -> None:
    """A config that lives in a repository is changed there, and the link stays."""
    (home / ".ssh").mkdir(mode=0o700)
    (home / "dotfiles").mkdir()
    real = home / "dotfiles/ssh"
    real.write_text("Host *\n    User me\n")
    (home / ".ssh/config").symlink_to("../dotfiles/ssh")
    ssh_config.write(["box"], KNOWN)
    assert (home / ".ssh/config").is_symlink()
    assert real.read_text().startswith("Include ")


@needs_ssh
def test_what_ssh_does_not_accept_is_taken_back(home: Path) -> None:
    """The user's file is broken already: an error, and everything as it was."""
    (home / ".ssh").mkdir(mode=0o700)
    path = home / ".ssh/config"
    path.write_text("NoSuchOption yes\n")
    with pytest.raises(SshknockError, match="does not accept"):
        ssh_config.write(["box"], KNOWN)
    assert files(home) == {"config": ("NoSuchOption yes\n", path.stat().st_mode & 0o777)}


@needs_ssh
def test_the_configuration_may_refer_to_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ssh is asked with the variables that it will have."""
    (home / ".ssh").mkdir(mode=0o700)
    path = home / ".ssh/config"
    path.write_text("ControlPath ${SOME_FOLDER}/%C\n")
    with pytest.raises(SshknockError, match="environment variable") as caught:
        ssh_config.write(["box"], KNOWN)
    assert len(caught.value.message.splitlines()) == 1
    monkeypatch.setenv("SOME_FOLDER", "/run/x")
    ssh_config.write(["box"], KNOWN)
    assert effective(home, "box")["port"] == "2222"


def test_what_another_wrote_meanwhile_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ssh says no, but an editor has saved the file since: that is not written over."""
    (home / ".ssh").mkdir(mode=0o700)
    path = home / ".ssh/config"
    path.write_text("Host *\n")

    def refuse(_name: str) -> None:
        path.write_text("Host new\n")
        raise SshknockError("no")

    monkeypatch.setattr(ssh_config, "_check", refuse)
    with pytest.raises(SshknockError):
        ssh_config.write(["box"], KNOWN)
    assert {name: text for name, (text, _) in files(home).items()} == {"config": "Host new\n"}


@needs_ssh
def test_another_name_is_added_and_a_forgotten_one_removed(home: Path) -> None:
    """A name more keeps the others; ``refresh`` follows the settings and adds nothing."""
    ssh_config.write(["box"], KNOWN)
    ssh_config.write(["other"], KNOWN)
    assert ssh_config.written() == ["box", "other"]
    ssh_config.refresh(Config({"other": OTHER}))
    assert ssh_config.written() == ["other"]
    assert "proxycommand" not in effective(home, "box")


def test_refresh_without_a_file_makes_none(home: Path) -> None:
    """Who never asked for blocks gets none."""
    ssh_config.refresh(KNOWN)
    assert not (home / ".ssh").exists()


@needs_ssh
def test_the_block_says_what_the_alias_brought_along(home: Path) -> None:
    """User, key files and the name for known_hosts, whatever signs are in them."""
    pairing = replace(
        BOX,
        user="ann",
        identity_files=("~/.ssh/my key", "/keys/100%h"),
        host_key_alias="[old]:2222",
    )
    ssh_config.write(["box"], Config({"box": pairing}))
    taken = effective(home, "box")
    assert (taken["user"], taken["hostkeyalias"]) == ("ann", "[old]:2222")
    block = (home / ".ssh/sshknock.conf").read_text()
    assert '    IdentityFile "~/.ssh/my key"\n    IdentityFile /keys/100%%h\n' in block


@needs_ssh
def test_odd_values_come_to_ssh_as_they_are(home: Path) -> None:
    """An address with its zone, a domain's user, a file with an apostrophe."""
    pairing = replace(
        BOX, hosts=("fe80::1%eth0",), user="ann lee", identity_files=("/keys/o'brien", "/keys/#1")
    )
    ssh_config.write(["box"], Config({"box": pairing}))
    taken = effective(home, "box")
    assert (taken["hostname"], taken["user"]) == ("fe80::1%eth0", "ann lee")
    assert taken["identityfile"] == "/keys/#1"
    block = (home / ".ssh/sshknock.conf").read_text()
    assert '    IdentityFile "/keys/o\'brien"\n' in block


def test_set_changes_what_the_block_says(home: Path) -> None:
    """Written and read back; an empty value leaves the word to ssh's own settings."""
    with config.changing() as known:
        known.pairings["box"] = BOX
    values = {"user": "ann", "identity_files": "~/.ssh/a,/b c", "host_key_alias": "old"}
    assert home
    change("box", values)
    made = config.load().pairings["box"]
    assert (made.user, made.host_key_alias) == ("ann", "old")
    assert made.identity_files == ("~/.ssh/a", "/b c")
    change("box", dict.fromkeys(values, ""))
    assert config.load().pairings["box"] == BOX
    for key, value in {"user": 'a"', "identity_files": 'a"', "host_key_alias": "a\nb"}.items():
        with pytest.raises(UsageError):
            change("box", {key: value})
