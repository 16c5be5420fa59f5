"""litellm, imported late and kept quiet."""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from selectlang.llm.wire import wire


@cache
def litellm() -> Any:
    """The module litellm, quiet, and off the network until it is asked. It takes seconds to import.

    It would fetch prices and tokenizers from the network, read keys and addresses from any file `.env`
    above it, and print advice to stdout.
    """
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    module: Any = import_module("litellm")
    warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)  # of odd responses
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    module.suppress_debug_info = True
    module.telemetry = False
    module.aclient_session = wire()
    module.drop_params = True  # not every model takes a seed
    module.disable_hf_tokenizer_download = True
    return module


def reply(response: Any, model: str, text: str, tokens_in: int, tokens_out: int, cut: bool = False) -> Any:
    """An answer of a model in this process, in the form of litellm; `cut` where it came to its last token."""
    from litellm.types.utils import Usage

    response.model = model
    response.choices[0].message.content = text
    response.choices[0].finish_reason = "length" if cut else "stop"
    total = tokens_in + tokens_out
    response.usage = Usage(prompt_tokens=tokens_in, completion_tokens=tokens_out, total_tokens=total)
    return response


def calling_off() -> None:
    """To be called before calls are cancelled, so that Python does not warn about it.

    litellm makes the coroutine of a call in another thread; cancelled meanwhile, it is never awaited.
    """
    warnings.filterwarnings("ignore", r"coroutine '.*acompletion' was never awaited", RuntimeWarning)


async def closed() -> None:
    """Close connections, and let what litellm does in the background end."""
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    await litellm().aclient_session.aclose()
    await litellm().close_litellm_async_clients()
    with suppress(TimeoutError):
        await asyncio.wait_for(GLOBAL_LOGGING_WORKER.flush(), 2)
    await GLOBAL_LOGGING_WORKER.stop()
