"""Tokens that are counted without a model."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

import selectlang as sl

ASCII = st.text(st.characters(max_codepoint=127))


@given(st.one_of(ASCII, st.text()))
@example("".join(map(chr, range(128))))
@example("".join(f" {chr(code)} a" for code in range(128)))
@example("don't: x_1, 3.5\x1c(z)\x0b\x85é!")
def test_tokens_are_words_and_punctuation_marks(text):
    assert sl.count_tokens(text) == len(re.findall(r"\w+|[^\w\s]", text))
