"""`contrib/demo.sh`: the first claim that does not hold ends it with exit code 1."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

from tests.lab import Installation, Lab
from tests.lab.demo import everyday, paper
from tests.lab.demo.stage import Stage


def main() -> None:
    """Run the play that was asked for."""
    parser = argparse.ArgumentParser(prog="contrib/demo.sh", description="See sshknock at work.")
    parser.add_argument(
        "--paper", action="store_true", help="section III of the paper, with its own programs"
    )
    parser.add_argument("--keep", action="store_true", help="leave the hosts up at the end")
    options = parser.parse_args()
    play = paper.play if options.paper else everyday.play
    stage = Stage(colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        started = time.monotonic()
        with Installation() as installation, Lab(installation) as lab:
            play(stage, lab)
            print(f"\nAll of it held, in {time.monotonic() - started:.0f} s.", flush=True)
            if options.keep:
                keep(lab)
    except AssertionError as error:
        stage.fail(str(error))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def keep(lab: Lab) -> None:
    """Wait, so that the audience can look around."""
    print("\nThe hosts stay up. Enter one from another terminal:")
    for host in lab.hosts.values():
        print(f"   nsenter --target {host.namespaces.pid} --mount --net --pid   # {host.name}")
    print("Press Enter to end.", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
