"""A class that compares rows with those which happen to come with them."""

import selectlang as sl

FOUND = ("batches", "rows all at once, and alone, give score")


@sl.score
class wrong:
    """Wrong."""

    def __call__(self, rows: sl.Rows) -> sl.Scores:
        lengths = [float(len(text)) for text in rows.responses()]
        mean = sum(lengths) / max(1, len(lengths))
        return [length - mean for length in lengths]
