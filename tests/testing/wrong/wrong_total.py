"""It states another number of prompts than it asks."""

import selectlang as sl

FOUND = ("asks", "asks 30 prompts and says total=1")


def grade(text: str) -> float:
    return float(text.split()[0])


@sl.judge
def wrong(rows: sl.Rows, *, llm: sl.LLM) -> sl.Scores:
    """Wrong."""
    prompts = ([("user", f"Grade it.\n\n[Answer]\n{text}")] for text in rows.responses())
    answers = llm.ask("any", prompts, grade, total=min(1, len(rows)), max_tokens=4, max_failed=0.1)
    return [float("nan") if a is None else a for a in answers]
