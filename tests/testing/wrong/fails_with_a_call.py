"""A failed call is not thought of."""

import selectlang as sl

FOUND = ("asks", "where a call failed it raised TypeError")


def grade(text: str) -> float:
    return float(text.split()[0])


@sl.judge
def wrong(rows: sl.Rows, *, llm: sl.LLM) -> sl.Scores:
    """Wrong."""
    prompts = ([("user", f"Grade it.\n\n[Answer]\n{text}")] for text in rows.responses())
    answers = llm.ask("any", prompts, grade, total=len(rows), max_tokens=4, max_failed=0.1)
    return [answer + 1 for answer in answers]
