"""Cheap deterministic chance: the same numbers give the same draw on every machine and in every process."""

import hashlib

MASK = (1 << 64) - 1
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def draw(*parts: int) -> int:
    """A 64-bit number that looks random and depends on nothing but the parts."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state ^ (part & MASK)) * 0xBF58476D1CE4E5B9 & MASK
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & MASK
        state ^= state >> 31
    return state


def fraction(bits: int) -> float:
    """A draw as a number in [0, 1)."""
    return (bits >> 11) / (1 << 53)


def number_of(text: str) -> int:
    """A 64-bit number for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def tagged_id(prefix: str, seed: int, label: str) -> str:
    """An id in the vendor's style, such as `wrkspc_01...`, that is the same for the same seed and label."""
    rest = int.from_bytes(hashlib.blake2b(f"{seed}/{prefix}/{label}".encode(), digest_size=17).digest(), "big")
    letters = []
    for _ in range(22):
        rest, place = divmod(rest, len(ALPHABET))
        letters.append(ALPHABET[place])
    return f"{prefix}_01{''.join(letters)}"
