"""What holds a spec still: its lock, and the check of a run folder against its own record."""

from __future__ import annotations

from pathlib import Path

LOCK = Path("selectlang.lock")
"""The lock of the specs in a folder, where no other file is named."""
