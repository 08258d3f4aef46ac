"""The pictures of the README, of real programs in real terminals: `contrib/screenshots.sh`."""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.lab import Client, Installation, Lab, Server, eventually
from tests.lab.demo.everyday import play
from tests.lab.demo.stage import Stage
from tests.lab.terminal import Terminal

FOLDER = Path("docs/screenshots")
COLUMNS = 100
ADDRESSES = "server.example", "backup.example", "build.example"

# Rich's own has fonts of the network's.
PICTURE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" xml:space="preserve">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, monospace; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def picture(terminal: str, title: str) -> str:
    """Return an SVG image of what a terminal shows."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="256"
    )
    console.print(Text.from_ansi(terminal), soft_wrap=True)
    svg = console.export_svg(title=title, code_format=PICTURE, unique_id="terminal")
    return re.sub(r" +$", "", svg, flags=re.MULTILINE)


def main() -> None:
    """Make the pictures that were asked for, or all."""
    scenes: dict[str, Callable[[Lab], str]] = {
        scene.__name__: scene for scene in (enroll, status, doctor, server, demo)
    }
    parser = argparse.ArgumentParser(prog="contrib/screenshots.sh")
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(scenes)}")
    chosen = parser.parse_args().scenes or list(scenes)
    if not set(chosen) <= set(scenes):
        parser.error(f"there is no scene {', '.join(set(chosen) - set(scenes))}")
    FOLDER.mkdir(exist_ok=True)
    with Installation() as installation:
        for name in chosen:
            with Lab(installation) as lab:
                shown = scenes[name](lab)
            path = FOLDER / f"{name}.svg"
            path.write_text(picture(shown, TITLES[name]))
            print(f"wrote {path}", flush=True)


TITLES = {
    "enroll": "laptop: from a server that anybody sees to ssh myserver",
    "status": "laptop: sshknock status",
    "doctor": "laptop: sshknock doctor",
    "server": "server: what was hidden, and who knocked",
    "demo": "contrib/demo.sh",
}


def enroll(lab: Lab) -> str:
    """From a plain server to the first knocked login."""
    laptop = lab.client("laptop")
    acquaint(laptop, lab.bare_server(), ADDRESSES[0])
    return played(
        laptop,
        "sshknock enroll myserver --via server.example --install --keyring file",
        "ssh myserver uptime -p",
    )


def status(lab: Lab) -> str:
    """Several servers, one of them with a session, one that was never used, one that is lost."""
    laptop, servers = network(lab, 3)
    for there, name in zip(servers, ("myserver", "backup", "build"), strict=True):
        there.init()
        laptop.enroll(there, name, host=f"{there.name}.example")
    laptop.ssh("build", "true")
    servers[2].sshknock("client", "remove", "laptop")
    laptop.ssh("-o", "ConnectTimeout=3", "build", "true", check=False)
    with laptop.popen(["ssh", "myserver", "sleep", "60"]):
        eventually(lambda: laptop.pairing()["sessions"] == 1, "a session runs")
        return played(laptop, "sshknock status", "sshknock status myserver")


def doctor(lab: Lab) -> str:
    """A network that lets no UDP out."""
    laptop, (there,) = network(lab, 1)
    there.init()
    laptop.enroll(there, host=f"{there.name}.example")
    laptop.ssh("myserver", "true")
    rules = "table inet office {\nchain output {\ntype filter hook output priority 0\n"
    laptop.run(["nft", "-f", "-"], input=f"{rules}meta l4proto udp drop\n}}\n}}\n")
    return played(laptop, "ssh myserver", "sshknock doctor myserver")


def server(lab: Lab) -> str:
    """The administrator's view, after two clients came by."""
    laptop, (there,) = network(lab, 1)
    there.init()
    laptop.enroll(there)
    phone = lab.client("phone")
    phone.enroll(there)
    for _ in range(2):
        laptop.ssh("myserver", "true")
    phone.ssh("myserver", "true")
    with laptop.popen(["ssh", "myserver", "sleep", "60"]):
        eventually(lambda: there.pairing("laptop")["sessions"] == 1, "a session runs")
        return played(there, "sshknock-server status", "sshknock-server log")


def demo(lab: Lab) -> str:
    """All that `contrib/demo.sh` says."""
    with redirect_stdout(io.StringIO()) as said:
        play(Stage(colour=True), lab)
    return said.getvalue().strip()


def network(lab: Lab, servers: int) -> tuple[Client, list[Server]]:
    """Return a laptop that knows its servers, by their names and their keys."""
    laptop = lab.client("laptop")
    there = [lab.server(address.partition(".")[0]) for address in ADDRESSES[:servers]]
    for one, address in zip(there, ADDRESSES, strict=False):
        acquaint(laptop, one, address)
    return laptop, there


def acquaint(laptop: Client, server: Server, address: str) -> None:
    """Let a laptop know a server's name and key, and the server know the laptop's key."""
    laptop.append("/etc/hosts", f"{server.ipv4} {address}\n")
    laptop.trust(server, address)


def played(host: Client | Server, *lines: str) -> str:
    """Type command lines on a host; return what the terminal shows in the end."""
    with Terminal(host, columns=COLUMNS) as terminal:
        terminal.clear()
        for line in lines:
            terminal.run(line)
        return terminal.coloured().rpartition(terminal.prompt)[0].rstrip()


if __name__ == "__main__":
    main()
