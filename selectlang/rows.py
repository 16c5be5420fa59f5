"""Rows: a view of a data set, as methods see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from selectlang.data.dataset import Dataset
    from selectlang.render import Turn

P = TypeVar("P")
Text = Literal["instruction", "response", "full"]
Template = Literal["plain", "tulu"]


class Rows(Generic[P]):
    """Some rows of a data set, or all of them: positions into it, in order, possibly with repeats.

    A row is its id. A position is only where the row stands in this process; a method that draws at
    random or breaks ties does so by `draws`, which depend on ids, so that the order of the file does
    not matter.
    """

    def __init__(
        self,
        data: Dataset,
        positions: NDArray[np.int64] | None = None,
        replies: Sequence[str] | None = None,
    ) -> None:
        self.data = data
        self._positions = positions
        self.replies = replies

    def __len__(self) -> int:
        return len(self.data) if self._positions is None else len(self._positions)

    @property
    def whole(self) -> bool:
        """Whether these are all rows of the data set, in its order."""
        return self._positions is None

    @property
    def positions(self) -> NDArray[np.int64]:
        """Where each row stands in the data set, shape (len(self),)."""
        import numpy as np

        return np.arange(len(self.data), dtype=np.int64) if self._positions is None else self._positions

    def take(self, index: NDArray[Any]) -> Rows[P]:
        """The rows at `index` (positions within this view, or a mask over it)."""
        import numpy as np

        index = np.asarray(index)
        replies = None
        if self.replies is not None:
            numbers = np.flatnonzero(index) if index.dtype == bool else index
            replies = [self.replies[i] for i in numbers.tolist()]
        return Rows(self.data, self.positions[index], replies)

    def ids(self) -> list[str]:
        """The id of each row."""
        return self.data.ids(self._positions)

    def draws(self, seed: int) -> NDArray[np.float64]:
        """A uniform draw in (0, 1) for each row, from its id and the seed alone: shape (len(self),)."""
        from selectlang.draws import uniform

        return uniform(self.data.hashes(self._positions), seed)

    def texts(self, text: Text = "full", template: Template = "plain") -> list[str]:
        """Each row as text: its instruction, its response, or both, in one documented template."""
        from selectlang.render import render

        return [render(turns, text, template) for turns in self.turns()]

    def instructions(self) -> list[str]:
        """What each row asks: all turns before the first of the assistant."""
        return self.texts("instruction")

    def responses(self) -> list[str]:
        """What each row answers: the first turn of the assistant, and all that follows it."""
        return self.texts("response")

    def turns(self) -> list[list[Turn]]:
        """The conversation of each row as (role, content) pairs; roles are system, user, assistant, tool."""
        turns = self.data.turns(self._positions)
        if self.replies is None:
            return turns
        from selectlang.render import with_reply

        return [with_reply(turn, reply) for turn, reply in zip(turns, self.replies, strict=True)]

    def field(self, name: str) -> list[Any]:
        """The value of a field of the input for each row; None where a row has none.

        `_file` is the name of the row's file without its ending; it is empty where the data set is one
        file and is not grouped by it. A DataError names the nearest field when there is none of this name.
        """
        return self.data.field(name, self._positions)

    def groups(self) -> list[str]:
        """The group of each row, by the `group` of its data set; a DataError when it states none."""
        return self.data.groups(self._positions)

    def lengths(self) -> NDArray[np.int64]:
        """Characters of each conversation: cheap, and good enough to sort batches by."""
        return self.data.lengths(self._positions)

    def tokens(self) -> NDArray[np.int64]:
        """Tokens of each row's full text, counted as words and punctuation marks, without a model."""
        import numpy as np

        from selectlang.render import count_tokens

        return np.array([count_tokens(text) for text in self.texts()], dtype=np.int64)
