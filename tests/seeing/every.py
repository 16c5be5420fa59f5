"""A spec with every budget, in every way in which it may choose, and what people would expect of each."""

from __future__ import annotations

import math
import random
import re
from typing import Any

SPEC = """
selectlang: 1
name: every
seed: SEED
params: {pool: {type: path, default: pool.jsonl}, targets: {type: path, default: targets.jsonl}}
data:
  pool:    {path: $pool, id: id}
  targets: {path: $targets, id: id, group: task}
stages:
  value:   {score: from_field, from: pool, field: value}
  fine:    {score: from_field, from: pool, field: fine}
  tasks:   {cluster: by_field, from: pool, field: task}
  words:   {embed: tfidf, from: pool, dimension: 8}
  asked:   {embed: tfidf, from: {rows: targets, fit: pool}, dimension: 8}
  topics:  {cluster: kmeans, from: words, k: 3}
  near:    {score: nearest, from: {pool: words, targets: asked}, per: group}
  some:    {budget: random, from: pool, size: HALF}
  seen:    {budget: random, from: pool, size: FEW, seed: 5}
  top:       {budget: top, from: value, size: SIZE}
  ordered:   {budget: top, from: value, size: SIZE, ties: order}
  within:    {budget: top, from: {scores: fine, within: some, skip: seen}, size: SIZE}
  tokens:    {budget: top, from: fine, size: 40 tokens}
  bottom:    {budget: bottom, from: value, size: SIZE}
  band:      {budget: band, from: fine, size: SIZE, start: 0.3}
  least:     {budget: threshold, from: fine, at_least: 0.5}
  between:   {budget: threshold, from: fine, at_least: 0.2, at_most: 0.8}
  none:      {budget: threshold, from: fine, at_least: 7}
  empty:     {budget: threshold, from: {scores: fine, within: some, skip: seen}, at_least: 7}
  drawn:     {budget: random, from: {rows: pool, skip: seen}, size: SIZE}
  balanced:  {budget: random, from: pool, size: SIZE, balanced_by: task}
  cl_top:    {budget: per_cluster, from: {clusters: tasks, scores: value}, size: SIZE, draw: top}
  cl_cut:
    {budget: per_cluster, from: {clusters: tasks, scores: fine}, size: SIZE, draw: top, truncate: true}
  cl_near:
    {budget: per_cluster, from: {clusters: topics, within: some, skip: seen}, size: SIZE, draw: nearest}
  cl_random: {budget: per_cluster, from: topics, size: SIZE, draw: random, share: equal}
  cl_weight: {budget: per_cluster, from: {clusters: tasks, scores: value}, size: SIZE, draw: weighted}
  cl_soft:   {budget: per_cluster, from: {clusters: tasks, scores: fine}, size: SIZE, draw: softmax}
  cl_again:
    {budget: per_cluster, from: {clusters: tasks, scores: value}, size: SIZE, draw: weighted, replace: true}
  rr_lose:   {budget: round_robin, from: near, size: SIZE}
  rr_next:
    {budget: round_robin, from: {scores: near, within: some, skip: seen}, size: SIZE, duplicates: next}
  rr_repeat: {budget: round_robin, from: near, size: SIZE, duplicates: repeat}
outputs: {OUTPUTS}
"""
BUDGETS = re.findall(r"(\w+):\s+\{budget:", SPEC)
ORDERED = {  # what decides, from which stage, whether the highest go first, and the groups
    "some": ("draw", "", False, None), "seen": ("draw", "", False, None),
    "top": ("score", "value", True, None), "ordered": ("score", "value", True, None),
    "within": ("score", "fine", True, None), "tokens": ("score", "fine", True, None),
    "bottom": ("score", "value", False, None), "band": ("score", "fine", True, None),
    "least": ("score", "fine", True, None), "between": ("score", "fine", True, None),
    "drawn": ("draw", "", False, None), "balanced": ("draw", "", False, "task"),
    "cl_top": ("score", "value", True, "task"),
    "cl_cut": ("score, cut to a whole number", "fine", True, "task"),
    "cl_near": ("distance", "topics", False, "topics"), "cl_random": ("draw", "", True, "topics"),
}  # fmt: skip
EMPTY = ("none", "empty")
CHANCE = ("cl_weight", "cl_soft", "cl_again")
TURNS = ("rr_lose", "rr_next", "rr_repeat")
WINDOWS = ("band", "between")


def spec(size: int, rows: int, seed: int = 42) -> str:
    """The spec, for a pool of so many rows."""
    text = SPEC.replace("SIZE", str(size)).replace("SEED", str(seed)).replace("HALF", str(max(rows // 2, 1)))
    outputs = ", ".join(f"{name}: {name}" for name in BUDGETS)
    return text.replace("FEW", str(max(rows // 5, 1))).replace("OUTPUTS", outputs)


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows with scores of many ties and of none, some missing, some above 1."""
    draw = random.Random(seed)
    words = "red blue sum apple tree poem sea code list names sort write".split()
    found = []
    for number in range(count):
        value = draw.choice([None, *range(6), *range(6)])
        fine = None if draw.random() < 0.15 else round(draw.random() * 1.6 - 0.2, 6)
        found.append(
            {
                "id": f"r{number}", "instruction": " ".join(draw.choices(words, k=draw.randint(2, 7))),
                "output": " ".join(draw.choices(words, k=draw.randint(1, 9))), "task": draw.choice("abc"),
                "value": value, "fine": fine,
            }
        )  # fmt: skip
    return found


def targets(seed: int = 0) -> list[dict[str, Any]]:
    """A few rows of three tasks."""
    return [
        {**row, "id": f"t{number}", "task": "xyz"[number % 3]}
        for number, row in enumerate(rows(6, seed + 1000))
    ]


def number(value: Any) -> float:
    """A number of JSON; NaN for null."""
    return math.nan if value is None else float(value)
