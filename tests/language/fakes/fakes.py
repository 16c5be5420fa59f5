"""Fake methods, named as such: signatures that no method of the catalogue has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import selectlang as sl


@sl.score
def options(
    rows: sl.Rows,
    *,
    text: str = "",
    whole: Annotated[int, sl.schema(minimum=0, maximum=10)] = 1,
    number: Annotated[float, sl.schema(exclusiveMinimum=0)] = 1.0,
    flag: bool = False,
    one: Literal["red", "green", "blue"] = "red",
    many: list[int] | None = None,
    names: list[str] | str | None = None,
    table: dict[str, float] | None = None,
    either: int | Literal["auto"] = "auto",
    model: sl.ModelName | None = None,
    models: list[sl.ModelName] | None = None,
    lambda_: float | None = None,
    seed: int,
) -> sl.Scores:
    """A fake: a setting of every type."""
    raise NotImplementedError


@sl.score
def needy(rows: sl.Rows, *, must: int) -> sl.Scores:
    """A fake: a setting without a default.

    Settings:
        must: how often
    """
    raise NotImplementedError


@sl.merge
def paired(left: sl.Vectors[sl.P], right: sl.Vectors[sl.Q]) -> sl.Scores[sl.P]:
    """A fake: about two data sets."""
    raise NotImplementedError


@sl.hookimpl
def register_methods(register: Any) -> None:
    for method in (options, needy, paired):
        register(method)
