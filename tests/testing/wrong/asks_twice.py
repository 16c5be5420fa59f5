"""It asks in two calls."""

import selectlang as sl

FOUND = ("asks", "calls ask more than once")


def grade(text: str) -> float:
    return float(text.split()[0])


@sl.judge
def wrong(rows: sl.Rows, *, llm: sl.LLM) -> sl.Scores:
    """Wrong."""
    grades = []
    for text in rows.responses():
        prompt = [("user", f"Grade it.\n\n[Answer]\n{text}")]
        grades += llm.ask("any", [prompt], grade, total=1, max_tokens=4, max_failed=1)
    return grades
