"""Made models for the methods that run one, as the tests of the methods have them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.methods.conftest import models

__all__ = ["few_threads", "models"]


@pytest.fixture(scope="session")
def few_threads() -> Iterator[None]:
    """One thread: more do not make so small a model faster."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
