"""How full the fullest minute is, in the sentence about the smallest set."""

from fractions import Fraction
from typing import cast

import pytest

from costwatch.insights.limits.flows import ORGANIZATION
from costwatch.insights.limits.smallest import Smallest
from costwatch.insights.limits.twin import Override
from costwatch.web.limits.named import Named
from costwatch.web.limits.smallest_words import smallest_words

LEVER = Override("search", "input_tokens_per_minute", 1)


class Names:
    """Names that are as their keys."""

    def workspace(self, key: str) -> str:
        return key


@pytest.mark.parametrize(
    ("left", "shown"),
    [("80.04", "80.1 %"), ("80.4", "80.4 %"), ("80.99", "80.9 %"), ("81", "81 %"), ("97.9", "97 %")],
)
def test_what_is_just_above_80_does_not_read_as_80(left: str, shown: str) -> None:
    found = Smallest("search", None, (LEVER,), Fraction("99.5"), Fraction(left))
    said = smallest_words(found, cast(Named, Names()))
    assert f"is still at {shown}. Without any it is at 99 %." in said


@pytest.mark.parametrize(
    ("closest", "said"),
    [
        ((LEVER,), "Without any it is at 99 %. Tried below is the one that comes closest, in full: 88 %."),
        ((LEVER, LEVER), "Without any it is at 99 %. Tried below are the 2 that come closest, each in full: 88 %."),
    ],
)
def test_how_far_the_best_come_is_told(closest: tuple[Override, ...], said: str) -> None:
    found = Smallest("search", None, (LEVER,) * 5, Fraction(99), Fraction(70), closest, Fraction("88.5"))
    assert smallest_words(found, cast(Named, Names())).endswith(said)


@pytest.mark.parametrize(
    ("changes", "left", "said"),
    [
        ((), "77", "Nothing is needed: the fullest minute of the organization is at 99 %."),
        (
            None,
            "85",
            "with all of the 1 changes that alone do most, each in full, the fullest minute is still at 85 %.",
        ),
        (None, "70", "With all of the 1 that do most, each in full, the fullest minute is at 70 %."),
        ((LEVER,), "70", "keeps the organization under 80 % is 1 change, as weak as it can be. Without it the fullest"),
    ],
)
def test_the_organization_is_named_once(changes: tuple[Override, ...] | None, left: str, said: str) -> None:
    found = Smallest(ORGANIZATION, changes, (LEVER,), Fraction(99), Fraction(left))
    told = smallest_words(found, cast(Named, Names()))
    assert said in told
    assert told.count("organization") == 1
