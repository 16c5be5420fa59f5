"""Texts as batches of tokens, for the methods that run a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._models import device, library

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Task = tuple[NDArray[np.intp], dict[str, Any]]
    """Which texts a batch is of, and what the network takes: tensors (texts, ...) in memory, and the like."""


def budget() -> int:
    """Tokens in a batch, padding included: enough to fill a core or a GPU, few enough to pad little."""
    return 16384 if device() == "cuda" else 1024


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


def tasks(tokenizer: Any, ids: Sequence[Sequence[int]]) -> Iterator[Task]:
    """Batches of texts, given by their tokens, as a transformer takes them."""
    import numpy as np

    for chosen in batches(np.array([len(row) for row in ids], np.int64), budget()):
        tokens, mask = tensors(tokenizer, [ids[i] for i in chosen.tolist()])
        yield chosen, {"input_ids": tokens, "attention_mask": mask}


def tensors(tokenizer: Any, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Token ids and their mask as tensors (batch, longest) in memory, padded on the right.

    On the right, positions count from the first token for every architecture, whichever side the tokenizer
    prefers; the mask hides the filler, so a tokenizer without a pad token works too.
    """
    torch = library("torch")
    fillers = tokenizer.pad_token_id, tokenizer.eos_token_id
    filler = next((i for i in fillers if i is not None), 0)
    width = max(map(len, ids))
    padded = [[*row, *[filler] * (width - len(row))] for row in ids]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row in ids]
    return torch.tensor(padded), torch.tensor(mask)
