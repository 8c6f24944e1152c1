"""The envelope of a stored secret: it opens at its own place, with its own key, and nowhere else."""

import hashlib
from dataclasses import replace

import pytest

from costwatch.secrets.envelope import CannotOpen, Place, seal, unseal
from costwatch.secrets.keyring import Keyring

PLACE = Place("org-1", "row-1", "credential", "https://api.anthropic.com")
K1, K2 = (hashlib.sha256(name.encode()).digest() for name in ("k1", "k2"))
RING = Keyring("k1", {"k1": K1})
SECRET = b"sk-ant-admin01-CANARY-0123456789abcdef"


def test_what_was_sealed_opens_at_its_place_and_shows_nothing_outside() -> None:
    one, two = seal(SECRET, PLACE, RING), seal(SECRET, PLACE, RING)
    assert unseal(one, PLACE, RING) == unseal(two, PLACE, RING) == SECRET
    assert b"CANARY" not in one.wrapped + one.body
    assert not {one.wrapped[:12], one.body[:12]} & {two.wrapped[:12], two.body[:12]}
    assert one.body[12:] != two.body[12:]


def test_the_place_is_authenticated_in_the_documented_order() -> None:
    assert PLACE.bound_to("k1") == b"v1|org-1|row-1|credential|https://api.anthropic.com|k1"
    assert Place("a|b", "c", "d", "e").bound_to("k1") != Place("a", "b|c", "d", "e").bound_to("k1")


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, organization="org-2"),
        replace(PLACE, row="row-2"),
        replace(PLACE, field="webhook"),
        replace(PLACE, origin="https://api.example.com"),
    ],
)
def test_sec_03_an_envelope_does_not_open_at_another_place(elsewhere: Place) -> None:
    with pytest.raises(CannotOpen, match="sealed for another place"):
        unseal(seal(SECRET, PLACE, RING), elsewhere, RING)


def test_sec_03_parts_of_two_envelopes_do_not_open_together() -> None:
    one, other = seal(SECRET, PLACE, RING), seal(b"another", replace(PLACE, row="row-2"), RING)
    for mixed in (replace(one, body=other.body), replace(one, wrapped=other.wrapped), replace(other, kek="k2")):
        with pytest.raises(CannotOpen):
            unseal(mixed, PLACE, RING)


def test_another_master_key_does_not_open_it_whatever_it_is_called() -> None:
    sealed = seal(SECRET, PLACE, RING)
    with pytest.raises(CannotOpen, match="its master key 'k1' is not in the file"):
        unseal(sealed, PLACE, Keyring("k2", {"k2": K2}))
    with pytest.raises(CannotOpen, match="by another key of that name"):
        unseal(sealed, PLACE, Keyring("k1", {"k1": K2}))
    with pytest.raises(CannotOpen):
        unseal(replace(sealed, kek="k2"), PLACE, Keyring("k1", {"k1": K1, "k2": K1}))


def test_a_single_changed_bit_anywhere_is_noticed() -> None:
    sealed = seal(SECRET, PLACE, RING)
    for part in ("wrapped", "body"):
        whole = getattr(sealed, part)
        for place in range(len(whole)):
            spoiled = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
            with pytest.raises(CannotOpen):
                unseal(replace(sealed, **{part: spoiled}), PLACE, RING)
        for length in range(len(whole)):
            with pytest.raises(CannotOpen):
                unseal(replace(sealed, **{part: whole[:length]}), PLACE, RING)


def test_a_keyring_does_not_print_its_keys() -> None:
    assert repr(RING) == "Keyring(active='k1')"
