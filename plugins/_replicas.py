"""A network on each device of the machine, and batches dealt to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import selectlang as sl

from ._models import library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ._batches import Task

WORKERS = 16  # at most, on a processor: each has the activations of a batch in memory
SHORT = 128  # tokens up to which attention written out is faster than the fused one, in bf16 on a processor


def devices() -> list[str]:
    """Where batches run at the same time: each GPU, or the processor once for each of its cores.

    Batches on a core each are done sooner than one after another on all cores: not all that a network does
    can be divided, and threads that divide it wait for the slowest, for long where others use the machine.
    """
    torch = library("torch")
    if torch.cuda.is_available():
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    threads = torch.get_num_threads()
    return ["cpu"] * (threads // -(-threads // WORKERS))


def replicas(network: Any) -> list[Any]:
    """The network for each of the devices: on one device with shared weights, but a state of its own."""
    torch = library("torch")

    def copied(place: str) -> Any:
        weights = {
            id(weight): torch.nn.Parameter(weight.detach().to(place), requires_grad=False)
            for weight in network.parameters()
        }
        return deepcopy(network, weights).to(place)

    return [network, *map(copied, devices()[1:])]


def run(
    networks: Sequence[Any], tasks: Iterable[Task], step: Callable[[Any, dict[str, Any]], Any]
) -> Iterator[tuple[NDArray[np.intp], NDArray[Any]]]:
    """The texts of each batch, and what `step(network, tensors)` gives for them, (texts, ...).

    Later batches are made ready while earlier ones are run. A batch that does not fit into memory is run in
    parts, as are those after it; a DataError when one text alone does not fit.
    """
    torch = library("torch")
    free: SimpleQueue[Any] = SimpleQueue()
    for network in networks:
        free.put(network)
    halvings, fused = 0, _fused(networks[0])

    def mapped(texts: int, tensors: dict[str, Any]) -> Any:
        nonlocal halvings
        network = free.get()
        try:
            if fused:
                _attend(network, "eager" if tensors["input_ids"].shape[-1] <= SHORT else "sdpa")
            with torch.inference_mode():
                while True:
                    tried = halvings
                    try:
                        parts = _parts(tensors, texts, max(1, texts >> tried), network.device)
                        return torch.cat([step(network, part) for part in parts])
                    except RuntimeError as error:
                        if not _out_of_memory(error):
                            raise
                        if not texts >> tried + 1 or "attention_mask" not in tensors:
                            raise _too_long(tensors["input_ids"].shape[-1], network.device) from error
                    halvings = max(halvings, tried + 1)
                    torch.cuda.empty_cache()
        finally:
            free.put(network)

    threads = torch.get_num_threads()
    share = max(1, threads // len(networks))
    pool = ThreadPoolExecutor(len(networks), initializer=lambda: torch.set_num_threads(share))
    try:
        given = [(chosen, pool.submit(mapped, len(chosen), tensors)) for chosen, tensors in tasks]
        for chosen, found in given:
            yield chosen, found.result().cpu().numpy()
    finally:
        pool.shutdown(cancel_futures=True)
        for network in networks if fused else ():
            _attend(network, "sdpa")
        torch.set_num_threads(threads)  # threads begun later have what was set last


def _fused(network: Any) -> bool:
    """Whether a network computes attention in bf16 by the fused kernel of a processor."""
    inner, bf16 = _transformer(network), library("torch").bfloat16
    if inner is None or inner.device.type != "cpu" or inner.dtype != bf16:
        return False
    return str(inner.config._attn_implementation) == "sdpa"


def _attend(network: Any, how: str) -> None:
    inner = _transformer(network)
    if inner is not None and inner.config._attn_implementation != how:
        inner.set_attn_implementation(how)


def _transformer(network: Any) -> Any:
    """The transformer that a network is, or has inside; None where there is none."""
    kind = library("transformers").PreTrainedModel
    return next((module for module in network.modules() if isinstance(module, kind)), None)


def _parts(tensors: dict[str, Any], texts: int, size: int, place: Any) -> Iterator[dict[str, Any]]:
    """A batch on the device, in parts of so many texts."""
    torch = library("torch")

    def moved(value: Any, start: int) -> Any:
        if not torch.is_tensor(value):
            return value
        if size < texts:
            value = value[start : start + size]
        if place.type == "cuda":  # from pinned memory, the copy runs beside what the GPU does
            value = value.pin_memory()
        return value.to(place, non_blocking=True)

    for start in range(0, texts, size):
        yield {name: moved(value, start) for name, value in tensors.items()}


def _out_of_memory(error: RuntimeError) -> bool:
    signs = "DefaultCPUAllocator", "ALLOC_FAILED"
    return isinstance(error, library("torch").OutOfMemoryError) or any(sign in str(error) for sign in signs)


def _too_long(tokens: int, place: Any) -> sl.DataError:
    where = "the GPU" if place.type == "cuda" else "the machine"
    return sl.DataError(
        f"a text of {tokens:,} tokens does not fit into the memory of {where} beside the model: lower "
        "max_tokens, or use precision: bf16 or a smaller model."
    )
