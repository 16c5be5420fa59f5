"""Specs written in odd ways: any layout that YAML allows, with comments and blank lines anywhere."""

from __future__ import annotations

from random import Random
from typing import Any

import yaml

from selectlang.language.yaml import plain


class Writer:
    """Writes a value as YAML in a form of its own choice, and notes the comments that it puts in."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.comments: list[str] = []
        self.blocked = False

    def maybe(self, chance: float = 0.3) -> bool:
        return self.random.random() < chance

    def comment(self) -> str:
        text = self.random.choice(["#", "#!x", "# a: b", "# {", "# 'é", "#  - [", '# "', "# |", "# #"])
        self.comments.append(text)
        return text

    def spec(self, value: dict[str, Any]) -> str:
        lines = ["---"] if self.maybe(0.1) else []
        text = "\n".join([*lines, *self.mapping(value, 0), *self.between(0)])
        return text + "\n" * (self.blocked or self.maybe(0.9))

    def between(self, indent: int) -> list[str]:
        """Comments and blank lines."""
        lines = []
        while self.maybe(0.25):
            spaces = " " * self.random.choice([indent, indent, 0, indent + 1, indent + 4])
            spaces = "" if self.blocked else spaces  # or it would belong to the text
            if not self.blocked:
                lines.append(self.random.choice(["", "  "]))
            if self.maybe(0.6):
                lines.append(spaces + self.comment())
                self.blocked = False
        return lines

    def beside(self) -> str:
        return f"{' ' * self.random.choice([1, 2, 9])}{self.comment()}" if self.maybe(0.15) else ""

    def mapping(self, value: dict[str, Any], indent: int) -> list[str]:
        lines: list[str] = []
        for key, part in value.items():
            lines += self.between(indent)
            left = f"{' ' * indent}{self.scalar(key, flow=False)}{' ' * self.maybe(0.1)}:"
            lines += self.part(part, left, indent, indent + self.random.choice([1, 2, 2, 4]))
        return lines

    def sequence(self, value: list[Any], indent: int) -> list[str]:
        lines: list[str] = []
        for part in value:
            lines += self.between(indent)
            lines += self.part(part, f"{' ' * indent}-", indent, indent + 2)
        return lines

    def part(self, value: Any, left: str, indent: int, inner: int) -> list[str]:
        """A value after its key or dash."""
        self.blocked = False
        spaces = " " * self.random.choice([1, 1, 3])
        if isinstance(value, dict | list) and value and self.maybe(0.6):
            head = [left + self.beside()]
            if isinstance(value, dict):
                return head + self.mapping(value, inner)
            return head + self.sequence(
                value, inner if left.endswith("-") else self.random.choice([indent, inner])
            )
        if isinstance(value, dict | list):
            first, *rest = self.flow(value, inner + 1).split("\n")
            if self.maybe(0.2):
                return [left + self.beside(), *self.between(inner), " " * inner + first, *rest]
            rest = [*rest[:-1], rest[-1] + self.beside()] if rest else rest
            return [left + spaces + first + ("" if rest else self.beside()), *rest]
        if isinstance(value, str) and self.maybe(0.3) and (block := self.block(value, inner)):
            self.blocked = True
            return [left + spaces + block[0] + self.beside(), *block[1:]]
        if isinstance(value, str) and self.maybe(0.1):
            return [left, *self.between(inner), " " * inner + self.scalar(value, flow=False) + self.beside()]
        return [(left + spaces + self.scalar(value, flow=False)).rstrip(" ") + self.beside()]

    def flow(self, value: Any, indent: int) -> str:
        if not isinstance(value, dict | list):
            return self.scalar(value, flow=True)
        parts = [
            f"{self.scalar(key, flow=True)}: {self.flow(part, indent)}" for key, part in value.items()
        ] if isinstance(value, dict) else [self.flow(part, indent) for part in value]  # fmt: skip
        text = "{" if isinstance(value, dict) else "["
        for i, part in enumerate(parts):
            text += part + ("," if i + 1 < len(parts) or self.maybe(0.1) else "")
            if self.maybe(0.15):
                text += (
                    self.beside()
                    + "".join(f"\n{line}" for line in self.between(indent))
                    + "\n"
                    + " " * indent
                )
            elif i + 1 < len(parts):
                text += " "
        return text + (" " * self.maybe(0.1)) + ("}" if isinstance(value, dict) else "]")

    def scalar(self, value: Any, flow: bool) -> str:
        if value is None:
            return "null" if flow or self.maybe(0.7) else ""
        if not isinstance(value, str):
            return (
                {True: "true", False: "false"}.get(value, repr(value))
                if isinstance(value, bool)
                else repr(value)
            )
        style = self.random.choice(["", "'", '"'])
        if style == "" and self.bare(value, flow):
            return value
        wide: dict[str, Any] = {"allow_unicode": True, "width": float("inf")}
        if style == "'" and "\n" not in value:
            written = yaml.safe_dump(value, default_style="'", **wide).rstrip("\n")
            if "\n" not in written:
                return str(written)
        return str(yaml.safe_dump(value, default_style='"', **wide)).rstrip("\n")

    def bare(self, value: str, flow: bool) -> bool:
        """Whether a text may stand without quotes, by what the reader makes of it."""
        if not isinstance(plain(value), str) or (flow and value[:1] in "-?:"):
            return False
        text = f"[{value}, x]" if flow else f"- {value}"
        key = f"{{{value}: x}}" if flow else f"{value}: x"
        try:
            nodes = yaml.compose(text, yaml.CSafeLoader), yaml.compose(key, yaml.CSafeLoader)
        except yaml.YAMLError:
            return False
        try:
            return (
                [nodes[0].value[0].value, nodes[1].value[0][0].value] == [value, value]
                and all(
                    isinstance(node, yaml.ScalarNode) for node in (nodes[0].value[0], nodes[1].value[0][0])
                )
                and (not flow or len(nodes[0].value) == 2)
            )
        except (AttributeError, IndexError, TypeError):
            return False

    def block(self, value: str, indent: int) -> list[str] | None:
        """A text in a block, literal or folded, if it can be one."""
        style = self.random.choice("|>")
        lines = yaml.safe_dump([value], default_style=style, allow_unicode=True, width=30, indent=2).split(
            "\n"
        )
        if not lines[0].startswith(f"- {style}"):
            return None
        while lines and lines[-1] in ("", "..."):
            lines.pop()
        body = [line[2:] for line in lines[1:]]
        ends = [""] * (len(value) - len(value.rstrip("\n")) - 1)
        head = lines[0][2:].replace("2", str(2))
        return (
            [head, *(" " * indent + line if line.strip() else "" for line in body), *ends]
            if "2" not in head
            else None
        )
