"""What belongs below ``share``: pages where man looks, completions where the shells look."""

from __future__ import annotations

from pathlib import Path

from contrib.manual import pages
from contrib.manual.texts import TEXTS
from sshknock.cli.program import PROGRAM as CLIENT
from sshknock.cli.program import program as client
from sshknock.client import proxy_main
from sshknock.server import hook
from sshknock.server.cli.program import PROGRAM as SERVER
from sshknock.server.cli.program import program as server
from sshknock.system.completion import SHELLS, script

_GROUPS = {CLIENT: client, SERVER: server}
_USAGES = {"sshknock-proxy": proxy_main.USAGE, "sshknock-hook": hook.HELP}
_COMPLETIONS = {
    "bash": "bash-completion/completions/{}",
    "zsh": "zsh/site-functions/_{}",
    "fish": "fish/vendor_completions.d/{}.fish",
}


def write(folder: Path) -> list[Path]:
    """Write everything below the folder, which stands for a ``share``; return what was written."""
    written = []
    for path, text in sorted(_contents().items()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        written.append(target)
    return written


def _contents() -> dict[str, str]:
    found = {_page(name): pages.of_group(name, group) for name, group in _GROUPS.items()}
    found |= {_page(name): pages.of_usage(name, usage) for name, usage in _USAGES.items()}
    for name, group in _GROUPS.items():
        for shell in SHELLS:
            found[_COMPLETIONS[shell].format(name)] = script(group, name, shell)
    return found


def _page(name: str) -> str:
    section = TEXTS[name].section
    return f"man/man{section}/{name}.{section}"
