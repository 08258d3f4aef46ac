"""Files there and back, by the programs that run over ssh."""

from __future__ import annotations

from tests.lab.client import Client
from tests.lab.server import Server


def by_scp(laptop: Client, server: Server, *options: str, user: str, text: str) -> None:
    """Copy a file to the server and back."""
    laptop.put("/run/home/root/original", text)
    laptop.run(["scp", "-q", *options, "original", f"{user}@myserver:copy"])
    assert server.read(f"/run/home/{user}/copy") == text
    laptop.run(["scp", "-q", *options, f"{user}@myserver:copy", "back"])
    assert laptop.read("/run/home/root/back") == text


def by_sftp(laptop: Client, server: Server, *, user: str, text: str) -> None:
    """Run a batch of sftp commands."""
    laptop.put("/run/home/root/original", text)
    batch = "mkdir d\nput original d/copy\nls d\n"
    laptop.run(["sftp", "-q", "-b", "-", f"{user}@myserver"], input=batch)
    assert server.read(f"/run/home/{user}/d/copy") == text


def by_rsync(laptop: Client, server: Server, *, user: str, text: str) -> None:
    """Mirror a tree."""
    laptop.put("/run/home/root/tree/a/file", text)
    laptop.run(["rsync", "-a", "tree/", f"{user}@myserver:mirror"])
    assert server.read(f"/run/home/{user}/mirror/a/file") == text
