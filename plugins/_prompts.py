"""What the methods that ask language models share: which model, and prompts with named fields.

A field is a name in braces, such as `{instruction}`. All fields of a prompt are put in at once, so that
braces in the text of a row stay what they are; `{{name}}` in a prompt is the name in braces, and no field.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import selectlang as sl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

Count = Annotated[int, sl.schema(minimum=1)]
Share = Annotated[float, sl.schema(minimum=0, maximum=1)]
Temperature = Annotated[float, sl.schema(minimum=0, maximum=2)]
Times = Annotated[int, sl.schema(minimum=0)]
Structured = Literal["auto", "never"]

BLOCK = 256  # rows whose texts are held at once
_FIELD = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|\{([A-Za-z_]\w*)\}")


def one_model(trained: sl.Model | None, name: str | None) -> sl.Model | str:
    """The model of a stage, by its name or from another stage; a DataError unless exactly one is given."""
    check_model(trained, name)
    return trained if name is None else name  # type: ignore[return-value]


def check_model(model: object, model_: str | None) -> None:
    """A DataError unless there is one model: the input, or the setting."""
    if bool(model) == (model_ is not None):
        found = "neither is given" if not model else f"both are given, a trained one and {model_!r}"
        raise sl.DataError(
            f"expected one model, but {found}; name it, as in model: openai/gpt-4o, or take the one that a "
            "stage trains, as in from: {rows: pool, model: student}."
        )


def packaged(name: str) -> str:
    """The text of a prompt that comes with the judges."""
    path = Path(__file__).parent / "judge" / "prompts" / f"{name}.txt"
    return path.read_text(encoding="utf-8").strip()


def check(texts: Sequence[str], known: Sequence[str], needed: Sequence[tuple[str, ...]] = ()) -> None:
    """A DataError for a field that nothing fills, and for one that lacks: one of each tuple is `needed`."""
    used = {match[2] for text in texts for match in _FIELD.finditer(text)} - {None}
    fields = ", ".join(f"{{{name}}}" for name in known)
    for name in sorted(used - set(known)):
        raise sl.DataError(
            f"the prompt has the field {{{name}}}, which nothing fills; its fields are {fields}. "
            f"For the word in braces write {{{{{name}}}}}."
        )
    for names in needed:
        if not used & set(names):
            wanted = " or ".join(f"{{{name}}}" for name in names)
            raise sl.DataError(f"the prompt lacks the field {wanted}; its fields are {fields}.")


def conversation(system: str, prompt: str, fields: Mapping[str, str]) -> sl.Prompt:
    """What a model is sent: a turn of the system, unless that is empty, and one of the user."""
    turns = (("system", system), ("user", prompt)) if system else (("user", prompt),)
    return [(role, filled(text, fields)) for role, text in turns]


def filled(text: str, fields: Mapping[str, str]) -> str:
    """A prompt with its fields put in, all at once."""
    return _FIELD.sub(lambda match: f"{{{match[1]}}}" if match[1] else fields[match[2]], text)


def texts(rows: sl.Rows[Any], part: sl.Text) -> Iterator[str]:
    """A part of each row as text, read as it is needed."""
    for block in blocks(rows):
        yield from block.texts(part)


def blocks(rows: sl.Rows[sl.P]) -> Iterator[sl.Rows[sl.P]]:
    """The rows in order, a few at a time."""
    import numpy as np

    for start in range(0, len(rows), BLOCK):
        yield rows.take(np.arange(start, min(start + BLOCK, len(rows))))


def shown(number: float) -> str:
    """A number as people write it: 10, not 10.0."""
    return f"{number:.12g}"


def check_scale(low: float, high: float) -> None:
    """A DataError unless there is a scale between two numbers."""
    if not low < high:
        raise sl.DataError(f"a scale goes from low to high, but low is {shown(low)} and high {shown(high)}.")


def mean(values: NDArray[Any]) -> sl.Metric:
    """The mean as a metric: NaN of nothing."""
    import numpy as np

    return sl.Metric(values.mean() if len(values) else np.nan)
