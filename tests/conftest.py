"""What holds for all tests: when the lab's may be skipped, and how a run is told to stop."""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from hypothesis import HealthCheck, settings

PROGRAMS = (
    "ip",
    "nsenter",
    "unshare",
    "nft",
    "knockd",
    "sshd",
    "ssh",
    "nmap",
    "rsync",
    "git",
    "strace",
    "tcc",
)


# How long an example takes says more of the machine than of us.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--no-skip`, which CI=true in the environment means too."""
    parser.addoption(
        "--no-skip",
        action="store_true",
        default=os.environ.get("CI") == "true",
        help="a lab test that cannot run is an error, not a skipped test",
    )


def pytest_configure() -> None:
    """SIGTERM ends a run as ^C does: with all fixtures torn down.

    What is ignored stays ignored in the programs that tests start. A script's background and nohup
    ignore these two.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Lab tests need root and the real programs."""
    if item.get_closest_marker("lab") is None:
        return
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    reason = "needs root" if os.geteuid() else f"needs {', '.join(missing)}" if missing else ""
    if reason:
        if item.config.getoption("--no-skip"):
            pytest.fail(f"skipped, and that is not allowed here: {reason}", pytrace=False)
        pytest.skip(f"lab: {reason}")
