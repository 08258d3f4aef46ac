"""The derivation is the same on every Python of this machine, and in C."""

import hashlib
import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from sshknock.protocol.bits import PROTOCOL_SOURCES
from sshknock.protocol.parameters import Parameters

HERE = Path(__file__).parent
NAMES = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "pypy3")


def pythons() -> dict[str, str]:
    """Return programs by what they call themselves, one of each: of the path, of pyenv, of uv."""
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    candidates = [Path(sys.executable)]
    candidates += [Path(found) for name in NAMES if (found := shutil.which(name))]
    candidates += pyenv.glob("versions/*/bin/python3")
    candidates += (home / ".local/share/uv/python").glob("*/bin/python3")
    ask = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    versions: dict[str, str] = {}
    for program in candidates:
        answer = subprocess.run([program, "-ISc", ask], capture_output=True, text=True, check=False)
        name = answer.stdout.strip()
        # pyenv's stand-ins for versions that are not chosen end in an error.
        if answer.returncode == 0 and tuple(map(int, name.split()[1:])) >= (3, 10):
            versions.setdefault(name, str(program))
    return versions


def test_vectors_hold_under_every_python_of_the_machine() -> None:
    """Sequences and orbits are those of the vectors, bit for bit."""
    versions = pythons()
    assert versions, "not even the one that runs this"
    for name, program in versions.items():
        command = [program, "-ISB", str(HERE / "play_vectors.py")]
        played = subprocess.run(command, capture_output=True, text=True, check=False)
        assert played.returncode == 0, f"{name}: {played.stdout}{played.stderr}"


@pytest.mark.skipif(shutil.which("tcc") is None, reason="needs tcc, to run the C program")
@pytest.mark.parametrize("source", ["henon", "chua"])
def test_orbits_are_those_of_the_program_in_c(source: str) -> None:
    """100 bits of 40 keys each: where the arithmetic differs in the last place they part soon."""
    keys = [hashlib.sha256(b"%d" % i).digest() for i in range(40)]
    program = ["tcc", "-run", str(HERE / "orbits.c"), source, "100"]
    asked = "\n".join(key.hex() for key in keys)
    out = subprocess.run(program, input=asked, capture_output=True, text=True, check=True).stdout
    bits = PROTOCOL_SOURCES[source]
    ours = ["".join(map(str, islice(bits(key, Parameters().bits), 100))) for key in keys]
    assert [line.split()[0] for line in out.splitlines()] == ours
