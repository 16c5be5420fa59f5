"""Texts as batches of tokens, for the methods that run a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ._models import device, library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence, Sized

    import numpy as np
    from numpy.typing import NDArray

    import selectlang as sl

    Task = tuple[NDArray[np.intp], dict[str, Any]]
    """Which texts a batch is of, and what the network takes: tensors (texts, ...) in memory, and the like."""

T = TypeVar("T", bound="Sized")
CHARACTERS = 4  # of a token, about
LONGEST = 2048  # tokens of a text, as most methods cut it
WINDOW = 2**21  # tokens for each GPU at once: 128 batches, of which 2 to 3 % is padding; of 64, 3 to 5 %
ROWS = 2**15  # for each GPU at once at most, of which each gives a vector, however short they are
FIRST = 2**17  # tokens that nothing runs beside, while they are made: a batch for each of eight GPUs


def window(rows: sl.Rows[Any], gpus: float) -> int:
    """Rows that are run at once on so many GPUs, by their characters: a minute or two of a model of 8B.

    0 on a processor: the batches of a shard have little padding there, and a kill should lose no more. The
    last digit of a number may depend on how many GPUs there are, for it may on the batch that a text is in.
    """
    if not gpus:
        return 0
    tokens = (rows.lengths() / CHARACTERS).clip(1, LONGEST).mean()
    return int(gpus * min(WINDOW / tokens, ROWS))


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


def tasks(
    texts: Sequence[T], batched: Callable[[list[T]], Iterable[Task]], characters: Callable[[T], int] = len
) -> Iterator[Task]:
    """Batches of texts, or of what holds texts, of which `batched` makes those of a piece, longest first.

    So the tokens of a piece are made while the batches of those before it run. Each piece has twice the
    characters of the one before, for the larger a piece is, the less of its batches is padding.
    """
    import numpy as np

    if not texts:
        return
    lengths = np.array([characters(text) for text in texts], np.int64)
    order = np.argsort(-lengths, kind="stable")
    before = lengths[order].cumsum() - lengths[order]
    number = np.log2(1 + before / (FIRST * CHARACTERS)).astype(np.int64)
    for piece in np.split(order, np.flatnonzero(np.diff(number)) + 1):
        for chosen, features in batched([texts[i] for i in piece.tolist()]):
            yield piece[chosen], features


def of_tokens(tokenizer: Any, ids: Sequence[Sequence[int]]) -> Iterator[Task]:
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
