"""What is asked of a model, and the key an answer is kept under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selectlang.digests import folder_digest, json_digest
from selectlang.errors import DataError
from selectlang.llm.library import litellm
from selectlang.ports import Model

IN_PROCESS = ("local/", "fake/")
"""What the names of models begin with that are no service: they answer in this process, at no price."""


FAKES = ("judge", "echo")
"""The stand-ins that there are, each named after fake/."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What all prompts of one `ask` share. `model` is a name as litellm takes it."""

    model: str
    identity: str
    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    form: dict[str, Any] | None

    @classmethod
    def of(
        cls,
        model: str | Model,
        max_tokens: int,
        temperature: float,
        top_p: float,
        seed: int | None,
        form: dict[str, Any] | None,
    ) -> Asked:
        """With the identity of the model."""
        return cls(*_named(model), max_tokens, temperature, top_p, seed, form)

    @property
    def in_process(self) -> bool:
        """Whether the model answers in this process."""
        return self.model.startswith(IN_PROCESS)

    def key(self, messages: Sequence[tuple[str, str]], attempt: int) -> str:
        """The sha256 of all that decides an answer. No endpoint: a model is its name, or its files."""
        return json_digest(
            [
                self.identity,
                [[role, content] for role, content in messages],
                float(self.temperature),
                float(self.top_p),
                self.max_tokens,
                self.seed if self.temperature > 0 else None,
                self.form,
                attempt,
            ]
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt, the `index`-th of its `ask`; `attempt` counts the answers to it that could not be read."""

    asked: Asked
    index: int
    messages: tuple[tuple[str, str], ...]
    attempt: int
    key: str

    @classmethod
    def of(cls, asked: Asked, index: int, prompt: Sequence[tuple[str, str]], attempt: int = 0) -> Request:
        """A request with its key."""
        messages = tuple((role, content) for role, content in prompt)
        return cls(asked, index, messages, attempt, asked.key(messages, attempt))

    def again(self) -> Request:
        """The same prompt once more."""
        return Request.of(self.asked, self.index, self.messages, self.attempt + 1)


def _named(model: str | Model) -> tuple[str, str]:
    """The name of a model as litellm takes it, and its identity: a folder is what its files hold."""
    name = f"local/{model.path.absolute()}" if isinstance(model, Model) else model
    folder = Path(name.removeprefix("local/"))
    if name.startswith("local/") and folder.is_absolute() and folder.is_dir():
        return name, f"local/ {folder_digest(str(folder))}"
    return name, name


def check(asked: Asked) -> None:
    """A DataError when there is no service, or no stand-in, of the name of a model."""
    if asked.model.startswith("fake/") and (name := asked.model.removeprefix("fake/")) not in FAKES:
        raise DataError(f"there is no stand-in fake/{name}; expected fake/{' or fake/'.join(FAKES)}")
    if asked.in_process:
        return
    library = litellm()
    try:
        library.get_llm_provider(asked.model)
    except library.exceptions.BadRequestError:
        raise DataError(
            f"model {asked.model!r} names no service that litellm knows. Give it as service/model, "
            "such as openai/gpt-4o; a server of your own that speaks the protocol of OpenAI is "
            "openai/MODEL with --api-base; a model in this process is local/NAME."
        ) from None
