"""Which samples are for training and which are held out: whole documents, never single pages of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docpre.errors import ConfigError


def split_by_document(documents: Sequence[str], held_out_share: float, seed: int) -> tuple[list[int], list[int]]:
    """Divide samples so that no document is on both sides.

    Args:
        documents: the document of each sample.
        held_out_share: share of the documents that is held out, above 0 and below 1; at least one document is.
        seed: the same seed, share and documents give the same split, in whatever order the samples come.

    Returns:
        Indices to train on, and indices held out, both in order.

    Raises:
        ConfigError: the share is out of range, or there are fewer than two documents.
    """
    if not 0 < held_out_share < 1:
        raise ConfigError(f"The held-out share lies between 0 and 1, not at {held_out_share}.")
    names = sorted(set(documents))
    if len(names) < 2:
        raise ConfigError(
            f"A split by document needs two documents or more; there is {len(names)}. Name a set for validation "
            "(data.val), or add documents."
        )
    count = min(max(1, round(held_out_share * len(names))), len(names) - 1)
    chosen = np.random.default_rng(seed).permutation(len(names))[:count]
    held_out = {names[i] for i in chosen}
    kept = [i for i, document in enumerate(documents) if document not in held_out]
    return kept, [i for i, document in enumerate(documents) if document in held_out]
