"""What the person who runs a spec says about calls to models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from selectlang.errors import UsageError


@dataclass(frozen=True)
class Options:
    """How models are reached, how fast, and what it may cost at most.

    `api_base` are addresses of servers that speak the protocol of OpenAI, by the name of the model, and
    under `""` that for all others. The limits are for each model. `timeout` is in seconds for one call,
    `retries` how often one that failed is tried again. `max_calls` and `max_cost` (dollars) bound what the
    answers of a run took in all, whenever they were paid.
    """

    api_base: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 120.0
    retries: int = 6
    max_calls: int | None = None
    max_cost: float | None = None

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self) if each.name != "api_base"):
            value, zero = getattr(self, name), name in ("retries", "max_calls", "max_cost")
            if value is not None and not (value >= 0 if zero else value > 0):  # NaN is neither
                what = "0 or more" if zero else "more than 0"
                raise UsageError(f"{name.replace('_', '-')} is {value}, expected {what}")

    def within(self, limits: Mapping[str, Any]) -> Options:
        """These options under the limits of a spec: of two bounds the smaller holds."""
        bounds = {name: getattr(self, name) for name in limits}
        smaller = {
            name: limit if bounds[name] is None else min(limit, bounds[name])
            for name, limit in limits.items()
        }
        return replace(self, **smaller)

    def base(self, model: str) -> str | None:
        """The address for a model; None for the one that litellm knows."""
        return self.api_base.get(model, self.api_base.get(""))
