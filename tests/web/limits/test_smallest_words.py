"""How full the fullest minute is, in the sentence about the smallest set."""

from fractions import Fraction
from typing import cast

import pytest

from costwatch.insights.limits.smallest import Smallest
from costwatch.insights.limits.twin import Override
from costwatch.web.limits.named import Named
from costwatch.web.limits.smallest_words import smallest_words


class Names:
    """Names that are as their keys."""

    def workspace(self, key: str) -> str:
        return key


@pytest.mark.parametrize(
    ("left", "shown"),
    [("80.04", "80.1 %"), ("80.4", "80.4 %"), ("80.99", "80.9 %"), ("81", "81 %"), ("97.9", "97 %")],
)
def test_what_is_just_above_80_does_not_read_as_80(left: str, shown: str) -> None:
    lever = Override("search", "input_tokens_per_minute", 1)
    found = Smallest("search", None, (lever,), Fraction("99.5"), Fraction(left))
    said = smallest_words(found, cast(Named, Names()))
    assert f"is still at {shown}. Without any it is at 99 %." in said
