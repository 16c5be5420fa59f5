"""A verdict that it does not say it gives."""

import selectlang as sl

FOUND = ("together", "its labels have the verdict 'short', and its verdicts are long")


def names() -> list[str]:
    return ["long"]


@sl.judge(verdicts=names)
def wrong(rows: sl.Rows) -> sl.Labels:
    """Wrong."""
    return ["long" if len(text) > 60 else "short" for text in rows.responses()]
