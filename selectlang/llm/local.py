"""Transformers models in this process, as a provider of litellm: `local/NAME` or `local/PATH`.

Prompts that come at the same time are answered together. They are written by the chat template of the
model; one that has none gets the tulu format, `<|user|>` and `<|assistant|>` lines, as `train: sft` does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from selectlang.llm.library import reply
from selectlang.render import render

WAIT = 0.02  # seconds in which other prompts may join a batch
BATCH_TOKENS = 16_384  # tokens of a batch, prompts and answers, padding included


@dataclass(eq=False)
class Waiting:
    """A prompt that waits for its answer."""

    tokens: list[int]
    most: int
    temperature: float
    top_p: float
    seed: int
    done: asyncio.Future[tuple[list[int], bool]]


@dataclass(eq=False)
class LocalModel:
    """One loaded model, and the prompts that wait for it."""

    tokenizer: Any
    network: Any
    waiting: list[Waiting] = field(default_factory=list)
    worker: asyncio.Task[None] | None = None

    async def ask(
        self, messages: list[dict[str, Any]], params: dict[str, Any]
    ) -> tuple[list[int], list[int], bool]:
        """The tokens of a prompt, those of its answer, and whether the answer was cut."""
        most = int(params.get("max_tokens") or 512)
        tokens = self.prompt(messages, most)
        done: asyncio.Future[tuple[list[int], bool]] = asyncio.get_running_loop().create_future()
        temperature, top_p = float(params.get("temperature") or 0), float(params.get("top_p") or 1)
        self.waiting.append(Waiting(tokens, most, temperature, top_p, int(params.get("seed") or 0), done))
        if self.worker is None:
            self.worker = asyncio.create_task(self.work())
        found, cut = await done
        return tokens, found, cut

    def prompt(self, messages: list[dict[str, Any]], most: int) -> list[int]:
        """A conversation as tokens; of a prompt too long for the model the end is kept."""
        tokenizer = self.tokenizer
        if tokenizer.chat_template:
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            turns = [(message["role"], message["content"]) for message in messages]
            tokens = tokenizer(render(turns, "full", "tulu") + "\n<|assistant|>\n")["input_ids"]
        room = getattr(self.network.config, "max_position_embeddings", None)
        return list(tokens if room is None else tokens[-max(1, room - most) :])

    async def work(self) -> None:
        """Answer what waits, in batches, until nothing does."""
        await asyncio.sleep(WAIT)
        while self.waiting:
            batch = self.batch()
            try:
                answers = await asyncio.to_thread(self.generate, batch)
            except Exception as error:  # each who waits is told
                for request in batch:
                    if not request.done.done():
                        request.done.set_exception(error)
            else:
                for request, found in zip(batch, answers, strict=True):
                    if not request.done.done():
                        request.done.set_result(found)
            await asyncio.sleep(0)
        self.worker = None

    def batch(self) -> list[Waiting]:
        """Prompts of like length, up to a number of tokens; a draw at random is made alone, for its seed."""
        self.waiting.sort(key=lambda request: -len(request.tokens))
        first = self.waiting[0]
        if first.temperature > 0:
            return [self.waiting.pop(0)]
        size = max(1, BATCH_TOKENS // (len(first.tokens) + first.most))
        chosen = [r for r in self.waiting if r.temperature == 0 and r.most == first.most][:size]
        self.waiting = [request for request in self.waiting if request not in chosen]
        return chosen

    def generate(self, batch: list[Waiting]) -> list[tuple[list[int], bool]]:
        """Answers, without the end-of-sequence token, and whether each was cut."""
        import torch

        first, device = batch[0], self.network.device
        filler = next(
            i for i in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, 0) if i is not None
        )
        width = max(len(request.tokens) for request in batch)
        padded = [[filler] * (width - len(request.tokens)) + request.tokens for request in batch]
        mask = [[0] * (width - len(request.tokens)) + [1] * len(request.tokens) for request in batch]
        sampling = {"temperature": first.temperature, "top_p": first.top_p} if first.temperature else {}
        stops = self.network.generation_config.eos_token_id
        stops = {self.tokenizer.eos_token_id, *(stops if isinstance(stops, list) else [stops])} - {None}
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(first.seed)
            found = self.network.generate(
                input_ids=torch.tensor(padded, device=device),
                attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=first.most,
                do_sample=bool(first.temperature),
                pad_token_id=filler,
                use_cache=True,
                **sampling,
            )
        answers = []
        for line in found[:, width:].tolist():
            end = next((i for i, token in enumerate(line) if token in stops), None)
            answers.append((line if end is None else line[:end], end is None))
        return answers


def provider() -> Any:
    """The models in this process as a provider of litellm; each is loaded once."""
    from litellm.llms.custom_llm import CustomLLM, CustomLLMError

    from selectlang.errors import DataError

    class Local(CustomLLM):
        def __init__(self) -> None:
            super().__init__()
            self.models: dict[str, LocalModel] = {}

        async def acompletion(self, model: str, messages: list[Any], *_: Any, **given: Any) -> Any:
            if model not in self.models:
                try:
                    self.models[model] = load(model)
                except DataError as error:
                    raise CustomLLMError(404, str(error)) from error  # type: ignore[no-untyped-call]
            local = self.models[model]
            tokens, found, cut = await local.ask(messages, given.get("optional_params", {}))
            text = local.tokenizer.decode(found, skip_special_tokens=True).strip()
            return reply(given["model_response"], model, text, len(tokens), len(found), cut)

    return Local()


def load(model: str) -> LocalModel:
    """Load a causal language model from a folder or from the hub; a DataError says why it cannot be."""
    from selectlang_plugins import _models

    tokenizer, network = _models.load(model, "fp32", head="CausalLM")
    return LocalModel(tokenizer, network)
