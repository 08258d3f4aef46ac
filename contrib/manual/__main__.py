"""``python -m contrib.manual FOLDER`` writes pages and completions below the folder."""

from __future__ import annotations

import sys
from pathlib import Path

from contrib.manual.share import write

if len(sys.argv) != 2:  # noqa: PLR2004  the program and the folder
    sys.exit("usage: python -m contrib.manual FOLDER")
for path in write(Path(sys.argv[1])):
    print(path)
