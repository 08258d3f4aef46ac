"""``python -m sshknock.cli`` is ``sshknock``."""

from __future__ import annotations

import sys

from sshknock.cli import main

sys.exit(main())
