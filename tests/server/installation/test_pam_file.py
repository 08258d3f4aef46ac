"""Our line in PAM's file: first of all, and gone again without a trace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.errors import SystemFault
from sshknock.server.installation import pam_file
from sshknock.server.installation.program import Program

PROGRAM = Program(
    Path("/opt/sshknock/bin/python3"),
    Path("/opt/sshknock/lib/python3.11/site-packages/sshknock/server/hook.py"),
)
LINE = (
    "session optional pam_exec.so quiet type=open_session /opt/sshknock/bin/python3 -ISB"
    " /opt/sshknock/lib/python3.11/site-packages/sshknock/server/hook.py pam"
)

DEBIAN = """\
# PAM configuration for the Secure Shell service

# Standard Un*x authentication.
@include common-auth

account    required     pam_nologin.so
@include common-account
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so close
session    required     pam_loginuid.so
@include common-session
session    required     pam_env.so # [1]
session    required     pam_env.so user_readenv=1 envfile=/etc/default/locale
@include common-password
"""
FEDORA = """\
#%PAM-1.0
auth       substack     password-auth
auth       include      postlogin
account    required     pam_sepermit.so
account    required     pam_nologin.so
account    include      password-auth
password   include      password-auth
# pam_selinux.so close should be the first session rule
session    required     pam_selinux.so close
session    required     pam_loginuid.so
# pam_selinux.so open should only be followed by sessions to be executed in the user context
session    required     pam_selinux.so open env_params
session    include      password-auth
session    include      postlogin
"""
ALPINE = "# basic PAM configuration\nauth\t\tinclude\tbase-auth\nsession\t\tinclude\tbase-session"
STRANGE = [
    "",
    "\n",
    "# only a comment, no newline",
    "session required pam_env.so",
    "  Session required \\\n  pam_unix.so\n",
    "-session optional pam_systemd.so\r\nauth required pam_unix.so\r\n",
    "# a comment that ends like a continuation \\\nauth required pam_unix.so\n",
    "auth required pam_unix.so # caf\udce9\x0b\x0c\u2028\n",
]


@pytest.mark.parametrize("text", [DEBIAN, FEDORA, ALPINE, *STRANGE])
def test_it_is_the_first_directive(text: str) -> None:
    """So it is the first session line whatever is included, and PAM reads the rest as before."""
    lines = pam_file.with_line(text, PROGRAM).split("\n")
    directives = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    assert directives[0] == LINE
    before = text.split("\n")
    assert directives[1:] == [s for s in before if s.strip() and not s.strip().startswith("#")]


@pytest.mark.parametrize("text", [DEBIAN, FEDORA, ALPINE, *STRANGE])
def test_removal_restores_every_byte(text: str) -> None:
    """Also a missing newline at the end, and bytes that are no text."""
    assert pam_file.without_line(pam_file.with_line(text, PROGRAM)) == text


@given(st.text("session \n#@auth\r\\\t\x0b\u2028é"))
def test_removal_restores_any_file(text: str) -> None:
    """Whatever the file holds, unless it is ours."""
    assert pam_file.without_line(pam_file.with_line(text, PROGRAM)) == text


def test_twice_is_once() -> None:
    """And another program's path replaces the old one: an upgrade moves the line, no more."""
    once = pam_file.with_line(DEBIAN, PROGRAM)
    assert pam_file.with_line(once, PROGRAM) == once
    assert pam_file.with_line(once, PROGRAM) == once
    other = Program(Path("/usr/bin/python3"), Path("/usr/lib/sshknock/server/hook.py"))
    moved = pam_file.with_line(once, other)
    assert moved == pam_file.with_line(DEBIAN, other)
    assert pam_file.with_line(moved, PROGRAM) != moved


def test_what_the_administrator_changed_meanwhile_stays() -> None:
    """Lines above, between and below ours, and ours moved to somewhere else."""
    edited = "# mine\n" + pam_file.with_line(DEBIAN, PROGRAM).replace("pam_nologin", "pam_access")
    assert pam_file.without_line(edited) == "# mine\n" + DEBIAN.replace("pam_nologin", "pam_access")
    moved = DEBIAN.replace("@include common-session\n", f"@include common-session\n{LINE}  \n")
    assert pam_file.without_line(moved) == DEBIAN
    assert pam_file.with_line(moved, PROGRAM) == pam_file.with_line(DEBIAN, PROGRAM)


def test_the_file_keeps_its_mode_and_owner(tmp_path: Path) -> None:
    """Written whole or not at all, through a link too; nothing to do is nothing done."""
    target, link = tmp_path / "sshd", tmp_path / "link"
    target.write_text(DEBIAN)
    target.chmod(0o640)
    link.symlink_to(target)
    assert pam_file.install(PROGRAM, link)
    assert not pam_file.install(PROGRAM, link)
    assert link.is_symlink()
    assert target.read_text() == pam_file.with_line(DEBIAN, PROGRAM)
    assert (target.stat().st_mode & 0o7777, target.stat().st_uid) == (0o640, os.geteuid())
    assert pam_file.remove(link)
    assert not pam_file.remove(link)
    assert target.read_text() == DEBIAN


def test_no_file(tmp_path: Path) -> None:
    """A machine without PAM is told what to do instead; there is nothing to remove from."""
    with pytest.raises(SystemFault, match="there is no"):
        pam_file.install(PROGRAM, tmp_path / "sshd")
    assert not pam_file.remove(tmp_path / "sshd")


@pytest.mark.parametrize("kind", ["auth", "account", "-auth"])
def test_a_stack_that_users_poison_earlier_is_refused(tmp_path: Path, kind: str) -> None:
    """A user's environment that is read before the session begins would reach our program."""
    (tmp_path / "sshd").write_text(f"@include common\n{DEBIAN}")
    (tmp_path / "common").write_text("auth include more\n@include common\n")
    (tmp_path / "more").write_text(f"{kind} required pam_env.so user_readenv=1\n")
    with pytest.raises(SystemFault, match="users' own environment"):
        pam_file.install(PROGRAM, tmp_path / "sshd")
    assert LINE not in (tmp_path / "sshd").read_text()
