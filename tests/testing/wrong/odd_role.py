"""A prompt has a turn of nobody."""

import selectlang as sl

FOUND = ("asks", "a prompt has a turn of 'human'")


def grade(text: str) -> float:
    return float(text.split()[0])


@sl.judge
def wrong(rows: sl.Rows, *, llm: sl.LLM) -> sl.Scores:
    """Wrong."""
    prompts = ([("human", f"Grade it.\n\n[Answer]\n{text}")] for text in rows.responses())
    answers = llm.ask("any", prompts, grade, total=len(rows), max_tokens=4, max_failed=0.1)
    return [float("nan") if a is None else a for a in answers]
