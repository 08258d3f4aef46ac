"""What the pages say that no program's help does: files, variables, examples, exit codes."""

from __future__ import annotations

from dataclasses import dataclass

from sshknock.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_NO_KEYRING,
    EXIT_NO_SUCH_PAIRING,
    EXIT_NOT_OPENED,
    EXIT_USAGE,
)
from sshknock.server import paths

Terms = tuple[tuple[str, str], ...]
"""Words and what they mean; in the meanings, double backquotes let a word stand out."""

EXIT_CODES: Terms = (
    (str(EXIT_DONE), "Done."),
    (str(EXIT_FAILED), "It failed, and a line on standard error says why."),
    (str(EXIT_USAGE), "The command cannot be carried out as it was given."),
    (str(EXIT_NO_SUCH_PAIRING), "There is no such pairing."),
    (str(EXIT_NO_KEYRING), "The keyring is missing, locked or does not answer."),
    (str(EXIT_NOT_OPENED), "The knocks were sent, and the server did not open."),
)
_CLIENT_FILES: Terms = (
    ("~/.config/sshknock/config.toml", "The pairings: names, hosts, ports, keyrings. No secrets."),
    (
        "~/.local/state/sshknock/",
        "Locks, running sessions and, for pairings that were made with ``--keyring file``, secrets"
        " and counters. Nobody else can read it.",
    ),
    (
        "~/.ssh/sshknock.conf",
        "The Host blocks of ``sshknock ssh-config --write``, which ~/.ssh/config includes.",
    ),
)
_CLIENT_VARIABLES: Terms = (
    ("XDG_CONFIG_HOME, XDG_STATE_HOME", "Other places for the files, as everywhere."),
    ("SSHKNOCK_DEBUG", "1 shows where an unexpected failure came from."),
)
_SERVER_FILES: Terms = (
    (str(paths.CONFIG_FILE), "The settings of ``init``."),
    (
        str(paths.STORE_FILE),
        "Clients, secrets, counters and the log. The counters are what stops replays: restore it,"
        " but do not delete it.",
    ),
    (str(paths.KNOCKD_CONF), "The sections of the doors, in a marked block; yours stay."),
    (str(paths.PAM_SSHD), "One line notices when sessions begin and end."),
    (f"{paths.SYSTEMD_UNITS}/sshknock*.service", "The units, where systemd runs."),
)


@dataclass(frozen=True, slots=True)
class Text:
    """What one page says by itself."""

    section: int
    purpose: str
    """The line that whatis(1) shows."""
    description: tuple[str, ...]
    see_also: tuple[str, ...]
    exit_codes: int = len(EXIT_CODES)
    """How many of them the program has."""
    files: Terms = ()
    variables: Terms = ()
    examples: Terms = ()
    """What is to be done, and the commands that do it, a line each."""


TEXTS = {
    "sshknock": Text(
        section=1,
        purpose="reach SSH servers that are hidden behind one-time knocks",
        description=(
            "The server's firewall hides its SSH port. It opens for one address after a secret"
            " sequence of TCP and UDP knocks, and every sequence is good for one time only. Client"
            " and server derive the same sequences from a shared secret and a counter, which"
            " ``sshknock enroll`` brings here. From then on plain ``ssh`` works: it runs"
            " ``sshknock-proxy``(1), which knocks.",
            "``--help`` after any command explains it in short.",
        ),
        files=_CLIENT_FILES,
        variables=_CLIENT_VARIABLES,
        examples=(
            (
                "Pair with a server where ssh gets you today, and log in by knocks:",
                "sshknock enroll myserver --via admin@server.example\nssh myserver",
            ),
            (
                "The same by the token that its administrator made:",
                "sshknock enroll myserver --token-file myserver.token\n"
                "sshknock ssh-config myserver --write\n"
                "ssh myserver",
            ),
            ("Find out why a login fails:", "sshknock doctor myserver"),
            (
                "Knock for a program that cannot run a ProxyCommand:",
                "sshknock open myserver --blind",
            ),
            (
                "Make a file of one-time sequences, as a stock knockd reads it:",
                "sshknock generate --count 100 -o sequences",
            ),
        ),
        see_also=("sshknock-proxy(1)", "ssh(1)", "ssh_config(5)", "sshknock-server(8)"),
    ),
    "sshknock-proxy": Text(
        section=1,
        purpose="knock, connect and relay for ssh",
        description=(
            "Made to be the ProxyCommand of ``ssh``(1) and of programs that work like it. It sends"
            " the next sequence of knocks, connects to the port that has opened, relays standard"
            " input and output, and sends the close sequence at the end. It never asks anything,"
            " and never connects without a knock.",
            "The lines for ~/.ssh/config come from ``sshknock ssh-config``. There the pairing is"
            " named; without ``--name`` it is the one whose host and port are HOST and PORT.",
        ),
        files=_CLIENT_FILES,
        variables=_CLIENT_VARIABLES,
        see_also=("sshknock(1)", "ssh_config(5)"),
    ),
    "sshknock-server": Text(
        section=8,
        purpose="hide this server's SSH port behind one-time knocks",
        description=(
            "Keep the session that you are in open until a knocked login has worked: sessions that"
            " are open stay open, whatever is done here.",
            "The port is hidden by an nftables table of its own, ``inet sshknock``. Tables of"
            " others, and sections of knockd.conf that others wrote, are left alone. When the table"
            " is lost the port is visible until it stands again: an administrator is never locked"
            " out by a broken firewall.",
            "``--help`` after any command explains it in short. All but ``completion`` need root.",
        ),
        exit_codes=4,
        files=_SERVER_FILES,
        variables=(_CLIENT_VARIABLES[-1],),
        examples=(
            (
                "Hide the port, and show it again in ten minutes unless a knocked login has worked"
                " by then:",
                "sshknock-server init --trial 10m\n"
                "sshknock-server client add laptop --host server.example --token-file laptop.token",
            ),
            ("Locked out, at the console:", "sshknock-server unhide"),
            ("Let a guest in who has no key:", "sshknock-server admit 192.0.2.7 --for 1h"),
        ),
        see_also=("sshknock(1)", "knockd(1)", "nft(8)", "sshknock-hook(8)", "sshd(8)"),
    ),
    "sshknock-hook": Text(
        section=8,
        purpose="what knockd, PAM, sshd and systemd run for sshknock",
        description=(
            "Run by machines, never by people: ``sshknock-server init`` writes its command lines"
            " where they belong. It never asks anything, and ``pam`` never fails.",
        ),
        exit_codes=3,
        files=_SERVER_FILES,
        see_also=("sshknock-server(8)", "knockd(1)", "pam_exec(8)"),
    ),
}
