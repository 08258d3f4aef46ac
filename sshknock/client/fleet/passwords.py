"""sudo's password for many servers: asked for once, and shared only when the user says so.

A server that is not what it seems could read the password that it is given. So it goes to the one
server that it was typed for, and to others of the same run after a yes of its own.
"""

from __future__ import annotations

from sshknock.client.terminal import agrees, ask_password

SUDO = "sudo password on "
_SHARE = "Use this password on the other servers of this run too, where sudo wants one?"


class Passwords:
    """Answers the questions of one run; it forgets them with the run."""

    def __init__(self, *, several: bool) -> None:
        self._may_share = several
        self._shared: str | None = None
        self._offered: set[str] = set()

    def ask(self, name: str, prompt: str) -> str | None:
        """Return the answer to a server's question; None when there is nobody to ask.

        A server that refused the shared password is asked about by itself.
        """
        if not prompt.startswith(SUDO):
            return ask_password(prompt)
        if self._shared is not None and name not in self._offered:
            self._offered.add(name)
            return self._shared
        answer = ask_password(prompt)
        if answer and self._may_share:
            self._may_share = False  # one question a run
            if agrees(_SHARE):
                self._shared = answer
                self._offered.add(name)
        return answer
