"""One call to a model, by litellm: a request in, an answer or a failure out."""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from typing import Any

from selectlang.llm.calls import Answer
from selectlang.llm.failure import Failure, failure, secrets, without_secrets
from selectlang.llm.library import litellm
from selectlang.llm.options import Options
from selectlang.llm.price import price, tokens
from selectlang.llm.request import Asked, Request, check
from selectlang.llm.wire import NoAnswer, arrived


class Client:
    """Calls models as the options say. `prepare` is to be called before the first call of an `ask`."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._arguments: dict[Asked, dict[str, Any]] = {}
        self._loaded: dict[str, str] = {}  # the model of each provider in this process
        self._secrets: list[str] = []

    def prepare(self, asked: Asked) -> None:
        """Load what the calls need; a DataError when litellm does not know where the model is."""
        check(asked)
        library, provider = litellm(), asked.model.partition("/")[0]
        if asked.in_process and self._loaded.get(provider) != asked.model:  # one at a time is kept in memory
            handler = import_module(f"selectlang.llm.{provider}").provider()
            self._loaded[provider] = asked.model
            others = [item for item in library.custom_provider_map if item["provider"] != provider]
            library.custom_provider_map = [*others, {"provider": provider, "custom_handler": handler}]
        self._arguments[asked] = self._shared(asked)
        self._secrets = secrets()  # once, for it looks at the whole environment

    async def call(self, request: Request) -> Answer | Failure:
        """Ask once."""
        seen: list[int] = []
        arrived.set(seen)
        try:
            return await self._answer(request)
        except Exception as error:
            return failure(error, request.asked, seen[-1] if seen else None)

    async def _answer(self, request: Request) -> Answer:
        asked = request.asked
        messages = [{"role": role, "content": _clean(content)} for role, content in request.messages]
        arguments = dict(self._arguments[asked])
        if "seed" in arguments:
            arguments["seed"] += request.attempt  # the same draw would be as unreadable
        async with asyncio.timeout(None if asked.in_process else self.options.timeout):
            response = await litellm().acompletion(messages=messages, **arguments)
        if not response.choices:
            raise NoAnswer("the response holds no answer")
        choice, usage = response.choices[0], getattr(response, "usage", None)
        text = without_secrets(_clean(choice.message.content or ""), self._secrets)
        # Some servers do not count, or count wrongly: what they say lowers no cost below what was sent.
        tokens_in = _count(usage, "prompt_tokens") or tokens(request.messages)
        tokens_out = _count(usage, "completion_tokens") or tokens([("assistant", text)])
        prices = price(asked.model)
        cost = None if prices is None else tokens_in * prices[0] + tokens_out * prices[1]
        return Answer(text, tokens_in, tokens_out, cost, str(choice.finish_reason))

    def _shared(self, asked: Asked) -> dict[str, Any]:
        """The arguments that all calls of an `ask` have in common."""
        found: dict[str, Any] = {
            "model": asked.model, "max_tokens": asked.max_tokens, "temperature": asked.temperature,
            "num_retries": 0, "max_retries": 0, "timeout": self.options.timeout + 10,
        }  # fmt: skip
        if asked.top_p != 1:
            found["top_p"] = asked.top_p
        if asked.temperature > 0 and asked.seed is not None:
            found["seed"] = asked.seed % 2**31
        if asked.form is not None and (asked.model.startswith("fake/") or self._held(asked)):
            strict = asked.form.get("additionalProperties") is False
            form = {"name": "answer", "schema": asked.form, "strict": strict}
            found["response_format"] = {"type": "json_schema", "json_schema": form}
        if (base := self.options.base(asked.model)) and not asked.in_process:
            found["api_base"] = base
            if litellm().get_llm_provider(asked.model)[1] == "openai" and not os.environ.get(
                "OPENAI_API_KEY"
            ):
                found["api_key"] = "none"  # a server of one's own asks for none, the library does
        return found

    def _held(self, asked: Asked) -> bool:
        """Whether the model can be held to a form."""
        return not asked.in_process and bool(litellm().supports_response_schema(asked.model))


def _count(usage: Any, name: str) -> int:
    """A count of tokens as a server gave it; 0 where it makes no sense."""
    count = getattr(usage, name, None)
    return count if isinstance(count, int) and 0 < count < 2**40 else 0


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which can be neither sent nor kept."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
