"""Which characters of two readings of a page are the same: by what they are, and by where."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

# One sign for what looks the same on paper.
_ALIKE = {
    **dict.fromkeys("‘’‛′`´ʼ", "'"),
    **dict.fromkeys("“”„″〃", '"'),
    **dict.fromkeys("‐‑‒–—―−─一ー﹣", "-"),
    **dict.fromkeys("•●∙·‧・⋅", "·"),
    **dict.fromkeys("〈⟨‹", "<"),
    **dict.fromkeys("〉⟩›", ">"),
    **dict.fromkeys("∼˜～", "~"),
    "。": ".",
    "、": ",",
    "∗": "*",
    "×": "x",
    "∣": "|",
    "ı": "i",
}
_REACH = 1.0  # of the line's height


def folded(text: str) -> str:
    """A character as it is compared: compatibility forms undone, look-alikes made one; no spaces, no private signs."""
    found = "".join(_ALIKE.get(char, char) for char in unicodedata.normalize("NFKC", _ALIKE.get(text, text)))
    return "".join(char for char in found if unicodedata.category(char) not in ("Zs", "Cc", "Co", "Cf", "Mn", "Cn"))


def matched(
    texts_a: tuple[str, ...],
    middles_a: NDArray[np.float64],
    heights_a: NDArray[np.float64],
    texts_b: tuple[str, ...],
    middles_b: NDArray[np.float64],
) -> NDArray[np.intp]:
    """Pairs (N, 2) of indices of same characters whose middles are within a line's height, nearest first, each once."""
    own_b: dict[str, list[int]] = {}
    for index, text in enumerate(texts_b):
        own_b.setdefault(text, []).append(index)
    own_a: dict[str, list[int]] = {}
    for index, text in enumerate(texts_a):
        own_a.setdefault(text, []).append(index)
    candidates = []
    for text, indices in own_a.items():
        if text not in own_b:
            continue
        others = own_b[text]
        apart = np.linalg.norm(middles_a[indices][:, None] - middles_b[others][None], axis=2)
        for row, column in np.argwhere(apart <= _REACH * heights_a[indices][:, None]).tolist():
            candidates.append((float(apart[row, column]), indices[row], others[column]))
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    pairs = []
    for _, index, other in sorted(candidates):
        if index not in taken_a and other not in taken_b:
            taken_a.add(index)
            taken_b.add(other)
            pairs.append((index, other))
    return np.array(sorted(pairs), np.intp).reshape(-1, 2)


def order_agreement(places: NDArray[np.intp]) -> float:
    """Kendall's tau of a permutation's steps: 1 where it only rises, -1 where it only falls."""
    count = len(places)
    if count < 2:
        return 1.0
    rises = sum(int((places[index + 1 :] > places[index]).sum()) for index in range(count - 1))
    return 4 * rises / (count * (count - 1)) - 1
