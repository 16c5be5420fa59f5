"""What can be planted in the pool is there, and nothing else is changed."""

from __future__ import annotations

from selectlang.demo.planted import CLOSING, NOISY_TASKS, UNKNOWN, garbled, half_taught
from selectlang.demo.pool import TARGET_TASKS, make_pool
from selectlang.llm.fake import grade

POOL = make_pool(600, seed=1)


def test_to_the_judge_the_rows_of_untaught_tasks_are_hard_and_no_others() -> None:
    right = [row for row in POOL if row["quality"] not in ("mismatched", "short")]
    for row, (asked, said) in zip(right, half_taught(POOL), strict=True):
        assert asked.startswith(row["instruction"])
        assert said in (UNKNOWN, f"{row['output']} {CLOSING}")
        hard = row["task"] in TARGET_TASKS
        assert (grade(row["output"]) > grade(said)) == hard, row


def test_garbled_answers_are_words_of_the_pool_and_as_long() -> None:
    words = {word for row in POOL for word in row["output"].split()}
    found = garbled(POOL)
    for before, after in zip(POOL, found, strict=True):
        if before["task"] not in NOISY_TASKS:
            assert after == before
            continue
        assert after["quality"] == "garbage"
        assert {**after, "output": "", "quality": ""} == {**before, "output": "", "quality": ""}
        said = after["output"].split()
        assert len(said) == len(before["output"].split())
        assert words.issuperset(said)


def test_the_same_seed_garbles_alike() -> None:
    assert garbled(POOL, seed=3) == garbled(POOL, seed=3) != garbled(POOL, seed=4)
