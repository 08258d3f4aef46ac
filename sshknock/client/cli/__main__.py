"""``python -m sshknock.client.cli`` is ``sshknock``."""

from __future__ import annotations

import sys

from sshknock.client.cli import main

sys.exit(main())
