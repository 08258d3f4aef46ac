"""Debian's own tests of randomness, where they are installed: ent, and dieharder's STS tests.

dieharder has three tests of SP 800-22 (its STS): frequency, runs and serial. Each is done a hundred
times on 1000 words of 32 bits, and the hundred p-values are themselves tested for evenness: with
fewer of them that test is wrong, and calls perfect randomness a failure (seen at ten).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.measures import evenness
from sshknock.analysis.measures.judging import holds
from sshknock.analysis.report.model import Measure, Section
from sshknock.errors import SystemFault
from sshknock.system.processes import SEARCH_PATH, program, run

PACKAGES = ("ent", "dieharder")
SAMPLES, WORDS_A_SAMPLE = 100, 1000
OCTETS = SAMPLES * WORDS_A_SAMPLE * 4
"""How much dieharder reads for a test. It reads a pipe, so that nothing can be read twice."""

_LIMIT_S = 120
_STDIN_RAW = "200"
_STS = (
    ("100", "sts_monobit", "STS frequency (2.1)"),
    ("101", "sts_runs", "STS runs (2.3)"),
    ("102", "sts_serial", "STS serial (2.11)"),
)
_FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line of dieharder's: the p-value of a test, and what it says of it."""

    p: float
    words: str


def missing() -> list[str]:
    """Return which of the packages have to be installed."""
    return [name for name in PACKAGES if shutil.which(name, path=SEARCH_PATH) is None]


def section(octets: bytes, key: str, title: str) -> Section:
    """Measure bytes that should be random by what is installed; the remark names what is not."""
    absent = missing()
    measures: list[Measure] = []
    if "ent" not in absent:
        measures += _ent(octets)
    if "dieharder" not in absent:
        measures += [_sts(octets, *test) for test in _STS]
    remarks = []
    if absent:
        remarks.append(f"{' and '.join(absent)} not installed: apt install {' '.join(absent)}")
    return Section(key, title, tuple(measures), remarks=tuple(remarks))


def octets_of_numbers(numbers: NDArray[np.uint16]) -> bytes:
    """Return 16-bit numbers as bytes, big-endian."""
    return numbers.astype(">u2").tobytes()


def octets_of_bits(bits: NDArray[np.uint8]) -> bytes:
    """Return bits as bytes, the first bit the highest."""
    return np.packbits(bits).tobytes()


def _ent(octets: bytes) -> list[Measure]:
    done = run([str(program("ent", "ent")), "-t"], stdin=octets, timeout_s=_LIMIT_S)
    names, values = (line.split(",") for line in done.stdout.splitlines()[:2])
    found = dict(zip(names, values, strict=True))
    chi_square, p = evenness.chi_square_p(float(found["Chi-square"]), 255)
    return [
        Measure("ent_entropy", "ent: entropy of a byte", float(found["Entropy"]), ideal=8.0),
        Measure(
            "ent_chi_square",
            "ent: chi-square",
            chi_square,
            ideal=255.0,
            p=p,
            holds=holds(p),
            meaning="No byte is favoured."
            if holds(p)
            else "Some bytes come too often, or all come too evenly.",
        ),
        Measure("ent_mean", "ent: mean of the bytes", float(found["Mean"]), ideal=127.5),
        Measure(
            "ent_serial_correlation",
            "ent: serial correlation",
            float(found["Serial-Correlation"]),
            ideal=0.0,
        ),
    ]


def _sts(octets: bytes, number: str, key: str, label: str) -> Measure:
    verdicts = _dieharder(octets, number)
    failed = sum(verdict.words == _FAILED for verdict in verdicts)
    lone = verdicts[0].p if len(verdicts) == 1 else None
    return Measure(
        key,
        label,
        f"{len(verdicts) - failed} of {len(verdicts)} passed",
        p=lone,
        holds=failed == 0,
        meaning="dieharder finds nothing wrong."
        if failed == 0
        else "dieharder is sure that this is no perfect randomness (p below 0.000001).",
    )


def _dieharder(octets: bytes, number: str) -> list[Verdict]:
    columns = [word for name in ("pvalues", "assessment") for word in ("-D", name)]
    done = run(
        [
            *(str(program("dieharder", "dieharder")), "-g", _STDIN_RAW, "-d", number),
            *("-p", str(SAMPLES), "-t", str(WORDS_A_SAMPLE), "-c", ",", *columns),
        ],
        stdin=octets,
        timeout_s=_LIMIT_S,
    )
    rows = [line.split(",") for line in done.stdout.splitlines() if "," in line]
    if not rows:
        raise SystemFault(f"dieharder has no result: {done.stderr.strip() or done.stdout.strip()}")
    return [Verdict(float(p), words.strip()) for p, words in rows]
