"""Runs asks in processes of their own, which a test may kill.

It imports litellm once, then forks for each line of stdin: a JSON object with `folder`, `url`, `count` and
options. It writes `started PID`, and `ended STATUS FAILED` when that process is gone.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from selectlang.llm.calls import Calls
from selectlang.llm.door import Door
from selectlang.llm.library import litellm
from selectlang.llm.options import Options

MODEL = "openai/gpt-4o-mini"


def ask(folder: str, url: str, count: int, **options: float) -> int:
    """The number of prompts without an answer."""
    with Calls(Path(folder)) as calls, Door(calls, Options({"": url}, **options)) as door:  # type: ignore[arg-type]
        prompts = ([("user", f"question {i}")] for i in range(count))
        found = door.stage("judge").ask(MODEL, prompts, str, total=count, max_tokens=9, max_failed=1)
    return found.count(None)


def main() -> None:
    litellm()
    children = set()
    for line in sys.stdin:
        wanted = json.loads(line)
        for _ in range(wanted.pop("processes", 1)):
            if (pid := os.fork()) == 0:
                os._exit(min(ask(**wanted), 100))
            children.add(pid)
            print("started", pid, flush=True)
        while children:
            pid, status = os.wait()
            children.remove(pid)
            print("ended", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
