"""A pool of planted quality: good rows of several tasks, and four kinds of rows to avoid."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from selectlang.demo.tasks import TASKS, Example

Row = dict[str, str]

SHARES = {"good": 60, "near_duplicate": 14, "garbage": 8, "mismatched": 10, "short": 8}
"""What percentage of the rows is of each quality."""

TARGET_TASKS = ("arithmetic", "dates", "python")
_TASK_SHARES = {task: share for task, (_, share) in TASKS.items()}
_TERSE = "Yes.,No.,OK.,I do not know.,Sure!,See above.,It depends.,Done.,Maybe.,n/a".split(",")
_OPENINGS = ("Please answer: ", "Question: ", "Here is a task. ", "I need help with this. ", "Hello! ")
_CLOSINGS = (" Thank you.", " Please.", " Answer carefully.", " Take your time.")


def make_pool(rows: int = 3000, seed: int = 0) -> list[Row]:
    """A pool of `rows` rows in random order, the same for the same seed.

    A row has `id`, `instruction`, `input`, `output`, its `task`, and its planted `quality`:

    - `good`: the right answer;
    - `near_duplicate`: a good row with a slightly different question and the same answer;
    - `garbage`: words of the pool in random order, as question and answer (its task is "none");
    - `mismatched`: the answer of a row of another task;
    - `short`: an answer that says nothing.
    """
    rng = Random(f"pool {seed}")
    counts = _apportion(rows, SHARES)
    seen = {example for _, example in _targets(seed)}
    good = _distinct(rng, _apportion(counts["good"], _TASK_SHARES), seen)
    others = _distinct(rng, _spread(rng, counts["mismatched"] + counts["short"]), seen)
    rng.shuffle(others)
    mismatched, short = others[: counts["mismatched"]], others[counts["mismatched"] :]
    made = [_row(task, "good", example) for task, example in good]
    for _ in range(counts["near_duplicate"]):
        task, example = rng.choice(good)
        made.append(_row(task, "near_duplicate", _paraphrase(rng, example)))
    for task, example in mismatched:
        answer = rng.choice([other.output for name, other in good if name != task])
        made.append(_row(task, "mismatched", example._replace(output=answer)))
    for task, example in short:
        made.append(_row(task, "short", example._replace(output=rng.choice(_TERSE))))
    words = sorted({word for _, example in good for word in " ".join(example).split()})
    for _ in range(counts["garbage"]):
        salad = Example(_salad(rng, words, 6, 20), "", _salad(rng, words, 5, 40))
        made.append(_row("none", "garbage", salad))
    rng.shuffle(made)
    return [{"id": f"row-{number:05d}", **row} for number, row in enumerate(made)]


def make_targets(seed: int = 0) -> list[Row]:
    """Eight good examples of each of three tasks, in the shape of the pool but for `quality`.

    None of them is in the pool of the same seed.
    """
    rows = ({**example._asdict(), "task": task} for task, example in _targets(seed))
    return [{"id": f"target-{number:03d}", **row} for number, row in enumerate(rows)]


def write(folder: Path, rows: int = 3000, seed: int = 0) -> tuple[Path, Path]:
    """Write `pool.jsonl` and `targets.jsonl` into `folder`, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "pool.jsonl", folder / "targets.jsonl"
    for path, made in zip(paths, (make_pool(rows, seed), make_targets(seed)), strict=True):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
        path.write_text(text, encoding="utf-8")
    return paths


def _targets(seed: int) -> list[tuple[str, Example]]:
    return _distinct(Random(f"targets {seed}"), dict.fromkeys(TARGET_TASKS, 8), set())


def _row(task: str, quality: str, example: Example) -> Row:
    return {**example._asdict(), "task": task, "quality": quality}


def _apportion(total: int, shares: dict[str, int]) -> dict[str, int]:
    """Whole counts in proportion to the shares, which add up to the total."""
    counts, taken, passed = {}, 0, 0
    for name, share in shares.items():
        passed += share
        counts[name] = total * passed // sum(shares.values()) - taken
        taken += counts[name]
    return counts


def _spread(rng: Random, total: int) -> dict[str, int]:
    names = rng.choices(list(_TASK_SHARES), weights=list(_TASK_SHARES.values()), k=total)
    return {name: names.count(name) for name in TASKS}


def _distinct(rng: Random, counts: dict[str, int], seen: set[Example]) -> list[tuple[str, Example]]:
    """Examples of each task that are not in `seen`, and that are added to it."""
    made: list[tuple[str, Example]] = []
    for task, count in counts.items():
        make, _ = TASKS[task]
        for _ in range(count):
            example = next((new for new in (make(rng) for _ in range(1000)) if new not in seen), None)
            if example is None:
                raise ValueError(f"no more than {len(made)} different rows can be made; ask for fewer")
            seen.add(example)
            made.append((task, example))
    return made


def _paraphrase(rng: Random, example: Example) -> Example:
    question = example.instruction
    opening, closing = rng.choice((*_OPENINGS, "")), rng.choice(_CLOSINGS)
    return example._replace(instruction=opening + question + closing)


def _salad(rng: Random, words: list[str], shortest: int, longest: int) -> str:
    return " ".join(rng.choices(words, k=rng.randint(shortest, longest)))
