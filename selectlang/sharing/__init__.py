"""Sharing specs: where they come from, and what pins them."""

from __future__ import annotations

from pathlib import Path

LOCK = Path("selectlang.lock")
"""The lock of the specs in a folder, where no other file is named."""
