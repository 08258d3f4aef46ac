"""Let the caller of a hook go. A login waits for this, so it imports next to nothing."""

from __future__ import annotations

import os


def detach() -> bool:
    """Go on in the background: True in the new process, False in the one that was called.

    The new process is nobody's child, and keeps nothing of its caller's (background.settle). Raises
    OSError when the machine has no process left.
    """
    if os.fork():
        return False
    try:
        os.setsid()  # two forks: a leader of a session could be given a terminal
        if os.fork():
            os._exit(0)
        from sshknock.server.hooks import background  # noqa: PLC0415  nobody waits for it any more

        background.settle()
    except BaseException:  # noqa: BLE001  never go on as a second foreground
        os._exit(1)
    return True
