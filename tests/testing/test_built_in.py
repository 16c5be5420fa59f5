"""Every method that comes with selectlang passes; one that runs a model, with a model made on the spot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from selectlang.methods import KINDS
from selectlang.plugins import load
from selectlang.testing import check_method
from selectlang.testing.said import Said, difference
from selectlang.testing.suite import Suite

METHODS = {key: method for key, method in load().methods.items() if method.distribution == "selectlang"}
ASKED = {"model": "any"}
SETTINGS: dict[str, dict[str, Any]] = {
    "cluster kmeans": {"k": 3},
    "cluster by_field": {"field": "task"},
    "score from_field": {"field": "value"},
    "judge rubric": {**ASKED, "criteria": ["accuracy", "depth"]},
    "judge pairwise": ASKED,
    "judge binary": {**ASKED, "question": "Is the answer right?"},
    "generate llm": ASKED,
    "budget band": {"start": 0.2},
    "budget threshold": {"at_least": 0.3},
}
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "embed sentence": ("model", "bert", {}),
    "embed hidden_states": ("model", "llama", {}),
    "score perplexity": ("model", "llama", {}),
    "score reward": ("model", "reward", {"template": "plain"}),
    "classify bert": ("base", "bert", {"epochs": 1}),
    "train sft": ("base", "llama", {"epochs": 1, "max_tokens": 16}),
}
"""The setting that names the model, a made model that will do, and other settings."""


PLAIN = sorted({" ".join(key) for key in METHODS} - MODELS.keys())
ELSEWHERE = ("imports", "processes")  # each starts a process, which takes most of the time of a check


def settings_of(name: str) -> dict[str, Any]:
    size = {"size": 6} if name.startswith("budget") else {}
    return {**size, **SETTINGS.get(name, {})}


@pytest.mark.parametrize("name", PLAIN)
def test_a_method_that_runs_no_model(name: str) -> None:
    kind, _, method = name.partition(" ")
    skip = () if name == "score length" else ELSEWHERE  # which another test sees to for all at once
    check_method(METHODS[kind, method], settings=settings_of(name), skip=skip)


def test_another_process_says_the_same(tmp_path: Path) -> None:
    """What the checks `imports` and `processes` do for one method, for all of them in one process."""
    script = """
import dataclasses, json, sys
from pathlib import Path
from selectlang.testing.newcomer import Watch
watch = Watch("selectlang_plugins")
from selectlang.plugins import load
methods = load().methods
watch.on = False
from selectlang.testing.suite import Suite
found = {}
for name, settings in json.loads(sys.argv[1]).items():
    base = Suite(methods[tuple(name.split())], settings).base
    found[name] = [{p: dataclasses.asdict(said) for p, said in one.items()} for _, one in base]
Path("told.json").write_text(json.dumps([found, [*watch.heavy], watch.network]))
"""
    given = json.dumps({name: settings_of(name) for name in PLAIN})
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, "-c", script, given], cwd=tmp_path, env=environment, check=True)
    found, heavy, network = json.loads((tmp_path / "told.json").read_text())
    assert (heavy, network) == ([], [])
    for name, outcomes in found.items():
        base = Suite(METHODS[tuple(name.split())], settings_of(name)).base
        assert outcomes
        for (_, one), other in zip(base, outcomes, strict=True):
            there = {port: Said(**parts) for port, parts in other.items()}
            assert difference(one, there, 1e-4, ordered=True) == "", name


@pytest.mark.parametrize("name, settings", [
    ("score length", {"unit": "words"}),
    ("score nearest", {"per": "group"}),
    ("score nearest", {"per": "row", "reduce": "mean"}),
    ("judge pairwise", {**ASKED, "order": "both"}),
    ("budget random", {"size": "30%", "balanced_by": "task"}),
    ("budget round_robin", {"size": 6, "duplicates": "next"}),
    ("budget per_cluster", {"size": 6, "draw": "random", "counts": "multinomial"}),
    ("budget per_cluster", {"size": "200 tokens", "draw": "top"}),
    ("merge cluster_weights", {"form": "equation_6"}),
])  # fmt: skip
def test_a_method_with_other_settings(name: str, settings: dict[str, Any]) -> None:
    kind, _, method = name.partition(" ")
    check_method(METHODS[kind, method], settings=settings, skip=ELSEWHERE)


@pytest.mark.parametrize("name", MODELS)
def test_a_method_that_runs_a_model(name: str, models: dict[str, Path], few_threads: None) -> None:
    kind, _, method = name.partition(" ")
    setting, made, more = MODELS[name]
    settings = {setting: str(models[made] if made in models else _reward(models["bert"])), **more}
    check_method(METHODS[kind, method], settings=settings, skip=ELSEWHERE)


def _reward(bert: Path) -> Path:
    """A model with one output, from an encoder."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = bert.parent / "reward"
    model = AutoModelForSequenceClassification.from_pretrained(bert, num_labels=1)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(bert).save_pretrained(folder)
    return folder


def test_each_kind_is_there() -> None:
    assert {kind for kind, _ in METHODS} == set(KINDS)
