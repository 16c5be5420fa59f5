"""Writing report.html beside the outputs of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selectlang.digests import file_digest
from selectlang.engine.guard import REPORT
from selectlang.engine.opened import Opened
from selectlang.errors import described
from selectlang.language.program import Program


def write(
    opened: Opened, program: Program, folder: Path, note: Callable[[str], None], *, control: bool
) -> dict[str, Any]:
    """Write the report of a run into a folder; returns what the record says of it, and of the random control.

    With `control` each selection is compared with random ones.

    What goes wrong with it is a note, and no fault of the run; but for a disk that is full, as for outputs.
    """
    try:
        from selectlang.report.facts import facts
        from selectlang.report.page import page

        seen = facts(opened, control)
        text = page(opened.record, program, seen)
        found = {one["name"]: one["control"] for one in seen.about["outputs"] if one["control"]}
        content = text.encode(errors="replace")
    except Exception as error:  # the selection is good, and what it took is not lost for want of a picture
        note(f"there is no {REPORT}: {described(error)}")
        return {}
    path = folder / REPORT
    path.write_bytes(content)
    about = {"file": REPORT, "bytes": len(content), "sha256": file_digest(path)}
    return {"control": found, "report": about}
