"""What calls cost: prices by litellm's table, tokens, and a door that prices a method without asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

from selectlang.llm.ask import A, Prompt
from selectlang.llm.calls import Calls
from selectlang.llm.library import litellm
from selectlang.llm.request import IN_PROCESS, Asked, Request, check
from selectlang.ports import Model

SAMPLE = 2048  # prompts read for a price


@cache
def price(model: str) -> tuple[float, float] | None:
    """Dollars for a token in and one out; None when the table has none. A model in this process is free."""
    if model.startswith(IN_PROCESS):
        return 0.0, 0.0
    table, (provider, _, bare) = litellm().model_cost, model.partition("/")
    found = table.get(model)
    if found is None and str(table.get(bare, {}).get("litellm_provider", "")).startswith(provider):
        found = table[bare]
    if found is None or not {"input_cost_per_token", "output_cost_per_token"} <= found.keys():
        return None
    return float(found["input_cost_per_token"]), float(found["output_cost_per_token"])


def tokens(messages: Sequence[tuple[str, str]]) -> int:
    """About how many tokens a prompt has: by cl100k, which comes with litellm, and 4 for each turn."""
    encoding = _encoding()
    return 3 + sum(4 + len(encoding.encode(content, disallowed_special=())) for _, content in messages)


@cache
def _encoding() -> Any:
    litellm()
    from litellm.litellm_core_utils.default_encoding import encoding

    return encoding


def most(request: Request) -> float | None:
    """Dollars that a call takes at most, by its tokens and `max_tokens`; None when the price is unknown."""
    prices = price(request.asked.model)
    if prices is None:
        return None
    return tokens(request.messages) * prices[0] + request.asked.max_tokens * prices[1] if any(prices) else 0.0


@dataclass(frozen=True)
class Estimate:
    """What a stage will ask. Tokens out, and so dollars, are the most there can be.

    `stored` is the share of the answers that are in the call store: the rest is still to be paid. With `read`
    that is known of every prompt, else of a sample of them.
    """

    model: str
    calls: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    stored: float
    read: bool

    def scaled(self, factor: float) -> Estimate:
        """The same for `factor` times as many rows."""
        return replace(
            self,
            calls=round(self.calls * factor),
            tokens_in=round(self.tokens_in * factor),
            tokens_out=round(self.tokens_out * factor),
            dollars=None if self.dollars is None else self.dollars * factor,
        )


class Priced(BaseException):
    """Ends a method that was called for a price; no plain Exception, which a method may catch."""

    def __init__(self, estimate: Estimate) -> None:
        self.estimate = estimate
        super().__init__(f"priced: {estimate}")


@dataclass
class DryDoor:
    """Stands in for the door: `ask` reads some prompts, asks nothing, and raises Priced."""

    call_store: Calls
    calls: int = 0
    cost: float = 0.0

    def ask(
        self,
        model: str | Model,
        prompts: Iterable[Prompt],
        parse: Callable[[str], A],
        *,
        total: int,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        form: dict[str, Any] | None = None,
        again: int = 1,
        max_failed: float = 0.0,
    ) -> list[A | None]:
        """Estimate the call from its first prompts."""
        asked = Asked.of(model, max_tokens, temperature, top_p, seed, form)
        check(asked)
        requests = [
            Request.of(asked, i, prompt) for i, prompt in enumerate(islice(prompts, min(total, SAMPLE)))
        ]
        keys = [request.key for request in requests]
        tokens_in = sum(tokens(request.messages) for request in requests)
        found, prices = self.call_store.find(keys), price(asked.model)
        tokens_out, calls = len(requests) * max_tokens, max(len(requests), 1)
        dollars = None if prices is None else tokens_in * prices[0] + tokens_out * prices[1]
        stored = sum(key in found for key in keys) / calls
        read = len(requests) == total
        estimate = Estimate(asked.model, len(requests), tokens_in, tokens_out, dollars, stored, read)
        raise Priced(estimate.scaled(total / calls))
