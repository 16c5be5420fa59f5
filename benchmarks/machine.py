"""What this machine can do at most: how fast it multiplies matrices and copies memory."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

SHAPE = (4096, 1024, 1024)  # rows, inner, columns: as of a batch of tokens; 8 times as large on a GPU
COPIED = 2**28  # bytes


class Rates(NamedTuple):
    """The best of several tries: products in GF/s, copies in GB/s of what is copied."""

    fp32: float
    bf16: float
    copy: float


@cache
def rates() -> Rates:
    """Measured on the GPU where there is one, else on all cores."""
    import torch

    place = "cuda" if torch.cuda.is_available() else "cpu"

    def best(work: Callable[[], object]) -> float:
        """Seconds of the fastest of 25: what others do on the machine only slows it."""
        seconds = []
        for _ in range(25):
            started = time.perf_counter()
            work()
            if place == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started)
        return min(seconds)

    def product(dtype: torch.dtype) -> float:
        rows, inner, columns = (8 * size if place == "cuda" else size for size in SHAPE)
        one = torch.randn(rows, inner, device=place).to(dtype)
        other = torch.randn(columns, inner, device=place).to(dtype)
        return 2 * rows * inner * columns / best(lambda: torch.nn.functional.linear(one, other)) / 1e9

    source = torch.ones(COPIED, dtype=torch.uint8, device=place)
    target = torch.empty_like(source)
    return Rates(
        product(torch.float32), product(torch.bfloat16), COPIED / best(lambda: target.copy_(source)) / 1e9
    )


def machine() -> str:
    """One line: processor, cores, memory, GPU if any, and the rates."""
    import torch

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    fp32, bf16, copy = rates()
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, {gpu}products of "
        f"{fp32:,.0f} GF/s in fp32 and {bf16:,.0f} in bf16, copies of {copy:.1f} GB/s"
    )


def _processor() -> str:
    """Its name, and what it has for bf16."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    flags = found.get("flags", "").split()
    has = "AMX" if "amx_bf16" in flags else "AVX-512 BF16" if "avx512_bf16" in flags else "no bf16"
    return f"{found.get('model name', platform.machine())} ({has})"


if __name__ == "__main__":
    print(machine())
