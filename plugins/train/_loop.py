"""The loop of `train: sft`: transformers' trainer, and checkpoints that a kill leaves whole."""

from __future__ import annotations

import json
import math
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import selectlang as sl

from .. import _batches, _models

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE = 4096  # tokens, padding included, whose activations are in memory at once
CHECKPOINT_SECONDS = 900.0  # what a kill loses, at most
Example = dict[str, "NDArray[np.int32]"]


def fit(
    network: Any, tokenizer: Any, examples: list[Example], checkpoint: Path | None, **settings: Any
) -> list[float]:
    """Train the network, from a checkpoint on; the loss of each step from the first."""
    torch, transformers = _models.library("torch"), _models.library("transformers")

    def collate(chosen: list[Example]) -> dict[str, Any]:
        tokens, mask = _batches.tensors(tokenizer, [example["ids"].tolist() for example in chosen])
        labels = torch.full_like(tokens, -100)
        for line, example in enumerate(chosen):
            labels[line, : len(example["labels"])] = torch.from_numpy(example["labels"])
        return {"input_ids": tokens, "attention_mask": mask, "labels": labels}

    arguments = transformers.TrainingArguments(
        **settings,
        use_cpu=_models.device() == "cpu",
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",  # but when the callback asks
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # or a batch would be several times as large
    trainer = transformers.Trainer(
        network, arguments, collate, examples, callbacks=[_checkpoints(transformers.TrainerCallback)]
    )
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except torch.OutOfMemoryError as error:
        raise sl.DataError(
            "the model does not fit into the memory of the GPU while it is trained; use a lora_rank, "
            "precision: bf16, or fewer max_tokens."
        ) from error
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    if not all(map(math.isfinite, losses)):
        at = next(i for i, loss in enumerate(losses) if not math.isfinite(loss))
        raise sl.DataError(
            f"training diverged: the loss of step {at + 1} is {losses[at]}; lower learning_rate."
        )
    return losses


def _checkpoints(callback: type[Any]) -> Any:
    """Asks for a checkpoint when the last is too long ago."""

    class Checkpoints(callback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.last = time.monotonic()

        def on_step_end(self, _: Any, __: Any, control: Any, **___: Any) -> None:
            control.should_save |= time.monotonic() - self.last >= CHECKPOINT_SECONDS

        def on_save(self, *_: Any, **__: Any) -> None:
            self.last = time.monotonic()

    return Checkpoints()


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that was written to its end; the others, if any, are removed.

    The state of the trainer is the last file of a checkpoint. Its other files are opened as data: weights
    in safetensors, the rest with torch's `weights_only`.
    """
    complete = {}
    for path in folder.glob("checkpoint-*"):
        try:
            state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            complete[int(state["global_step"])] = path
        except (OSError, ValueError):
            shutil.rmtree(path)
    found = complete.pop(max(complete)) if complete else None
    for path in complete.values():
        shutil.rmtree(path)
    return found


def sizes(examples: list[Example], batch: int) -> dict[str, int]:
    """The batch in equal parts that fit into memory, which changes nothing but rounding."""
    longest = max(len(example["ids"]) for example in examples)
    fitting = [n for n in range(1, batch + 1) if batch % n == 0 and n * longest <= AT_ONCE]
    size = max(fitting, default=1)
    return {"per_device_train_batch_size": size, "gradient_accumulation_steps": batch // size}
