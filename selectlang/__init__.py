"""selectlang: a declarative language for choosing training data.

This module is the public interface: `load` and `open_run` for those who run specs in Python; and for authors
of plugins the decorators that mark methods, the types of their ports and settings, and the errors they raise.
"""

from pluggy import HookimplMarker

from selectlang.amount import Amount
from selectlang.api import load, open_run
from selectlang.errors import DataError, MethodError, SelectlangError, SpecError, UsageError
from selectlang.llm.ask import LLM, Prompt
from selectlang.methods import (
    ModelName,
    T,
    budget,
    classify,
    cluster,
    embed,
    generate,
    judge,
    merge,
    schema,
    score,
    train,
)
from selectlang.ports import (
    Clusters,
    Labels,
    Metric,
    Model,
    Q,
    Replies,
    Scores,
    Selection,
    Vectors,
    Weights,
)
from selectlang.render import count_tokens, render, response_at
from selectlang.rows import P, Rows, Template, Text

__version__ = "0.1.0"

hookimpl = HookimplMarker("selectlang")
"""Marks a function of a plugin as an implementation of a hook, such as `register_methods`."""

__all__ = [
    "LLM",
    "Amount",
    "Clusters",
    "DataError",
    "Labels",
    "MethodError",
    "Metric",
    "Model",
    "ModelName",
    "P",
    "Prompt",
    "Q",
    "Replies",
    "Rows",
    "Scores",
    "Selection",
    "SelectlangError",
    "SpecError",
    "T",
    "Template",
    "Text",
    "UsageError",
    "Vectors",
    "Weights",
    "budget",
    "classify",
    "cluster",
    "count_tokens",
    "embed",
    "generate",
    "hookimpl",
    "judge",
    "load",
    "merge",
    "open_run",
    "render",
    "response_at",
    "schema",
    "score",
    "train",
]
