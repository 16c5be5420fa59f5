"""Checking the settings that name a model: whether it is one to ask, or one that a method loads."""

from __future__ import annotations

import os
from typing import Any

from selectlang.faults import Fault, quoted
from selectlang.language.schemas import LOCAL
from selectlang.language.spec import Stage, param_name
from selectlang.language.values import Values
from selectlang.methods import Method


def check_models(method: Method, stage: Stage, settings: dict[str, Any], values: Values) -> list[Fault]:
    """A fault for each folder where a language model is asked, and each language model where none is."""
    faults = []
    for name, (_, node) in stage.settings.items():
        model = settings.get(name)
        if not isinstance(model, str) or not method.settings[name].names_model:
            continue
        problem = _problem(model, "llm" in method.given)
        if problem is not None:
            param = values.params.get(param_name(node.value) or "")
            also = (f"param {quoted(param.name)} is declared here", param.place) if param else None
            faults.append(Fault("SL210", f"{quoted(name)} {problem[0]}", node.place, also, problem[1]))
    return faults


def _problem(model: str, asked: bool) -> tuple[str, str] | None:
    if asked and os.path.isabs(model):
        hint = f"A model of this machine is asked as local/FOLDER: give '{LOCAL}{model}'."
        return f"names a language model to ask, found the folder '{model}'", hint
    if not asked and model.startswith(LOCAL):
        hint = f"Only language models that are asked begin with local/: give '{model.removeprefix(LOCAL)}'."
        return f"names a model of a hub, or its folder, found '{model}'", hint
    return None
