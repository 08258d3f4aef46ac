"""The hook of hatchling: a wheel gets man pages and completions of just these programs."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualHook(BuildHookInterface[BuilderConfig]):
    """Writes the files for the time of the build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files; an editable installation, whose programs change, gets none."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from contrib.manual.share import write  # noqa: PLC0415  not to be found before

        self._folder = tempfile.TemporaryDirectory(prefix="sshknock-manual-")
        write(Path(self._folder.name))
        build_data["shared_data"][self._folder.name] = "share"

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        """Remove them again."""
        if version != "editable":
            self._folder.cleanup()
