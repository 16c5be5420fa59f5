"""What is known of a data set once it is read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class DataInfo:
    """What is known of a data set.

    `shape` says in words how rows are read. `skipped` counts the bad rows that were left out, of which
    `skipped_first` describes the first few. `notes` are sentences about how files were read.
    """

    rows: int = 0
    format: str = ""
    shape: str = ""
    fields: list[str] = field(default_factory=list)
    skipped: int = 0
    skipped_first: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stems: list[str] = field(default_factory=list)
    grouped: bool = False
