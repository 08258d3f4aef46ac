"""The program ``sshknock-proxy``, which OpenSSH runs as its ProxyCommand.

It starts with every ssh, so it imports little: no library for command lines, none for keyrings when
the file keyring is used, none for SSH.
"""

from __future__ import annotations

import sys

from sshknock import __version__
from sshknock.errors import EXIT_DONE, BadInput, SshknockError, UsageError, report_failure
from sshknock.protocol.names import parse_host, parse_name, parse_port
from sshknock.records import record

USAGE = """\
Usage: sshknock-proxy [--name NAME] HOST PORT

Knock, connect to HOST's PORT and relay it on standard input and output: a ProxyCommand for ssh.

    Host myserver
        ProxyCommand sshknock-proxy %h %p

  --name NAME  use this pairing, whatever HOST and PORT are
  --version    print the version
  --help       print this

Exit codes: 0 done, 1 failed, 2 usage, 3 no such pairing, 4 no usable keyring,
5 the server did not open.
"""


@record
class Arguments:
    """What the command line asks for; ``name`` is None when the host decides."""

    host: str
    port: int
    name: str | None


def main() -> int:
    """Run the program; return its exit code."""
    arguments = sys.argv[1:]
    if "--help" in arguments:
        sys.stdout.write(USAGE)
        return EXIT_DONE
    if "--version" in arguments:
        sys.stdout.write(f"sshknock-proxy {__version__}\n")
        return EXIT_DONE
    try:
        return _serve(parse_arguments(arguments))
    except Exception as error:  # noqa: BLE001  the last line of defence, and it says so
        return report_failure(error)


def parse_arguments(arguments: list[str]) -> Arguments:
    """Read the command line; raise UsageError."""
    name: str | None = None
    words: list[str] = []
    left = iter(arguments)
    for word in left:
        option, equals, value = word.partition("=")
        if option == "--name":
            name = value if equals else next(left, None)
            if name is None:
                raise _usage("--name needs a name")
        elif word.startswith("-"):
            raise _usage(f"there is no option {word}")
        else:
            words.append(word)
    if len(words) != 2:  # noqa: PLR2004  HOST and PORT
        raise _usage("HOST and PORT are needed, and nothing else")
    try:
        return Arguments(
            parse_host(words[0]), parse_port(words[1]), None if name is None else parse_name(name)
        )
    except BadInput as error:
        raise _usage(error.message) from error


def _usage(message: str) -> UsageError:
    return UsageError(message, "sshknock-proxy [--name NAME] HOST PORT")


def _serve(arguments: Arguments) -> int:
    from sshknock.client import config, proxy  # noqa: PLC0415  not for --help
    from sshknock.client.lifecycle import SshLink  # noqa: PLC0415

    link = SshLink()
    if link.is_gone():
        raise SshknockError(
            "standard input or output has ended already",
            "it is made for ssh: ProxyCommand sshknock-proxy %h %p",
        )
    known = config.load()
    if arguments.name is not None:
        pairing = known.named(arguments.name)
    else:
        pairing = known.serving(arguments.host, arguments.port)
    return proxy.run(pairing, arguments.host, arguments.port, link)


if __name__ == "__main__":
    sys.exit(main())
