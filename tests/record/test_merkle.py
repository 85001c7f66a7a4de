"""Trees of RFC 9162: known roots, a plain model, and no proof of what is not so."""

from collections.abc import Sequence
from hashlib import sha256

import pytest

from infrastructure.evidence.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    inclusion_path,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
)

KNOWN_LEAVES = (
    *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
    "606162636465666768696a6b6c6d6e6f",
)
KNOWN_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The test vectors of Certificate Transparency (RFC 6962), whose trees are these."""

LEAVES = [leaf_hash(str(n).encode()) for n in range(200)]


def plain_root(leaves: Sequence[bytes]) -> bytes:
    """The root by the words of RFC 9162, section 2.1.1."""
    match len(leaves):
        case 0:
            return sha256(b"").digest()
        case 1:
            return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + plain_root(leaves[:half]) + plain_root(leaves[half:])).digest()


def test_the_roots_of_known_trees() -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in KNOWN_LEAVES]
    roots = [root_of(leaves[: n + 1]).hex() for n in range(len(leaves))]
    assert roots == list(KNOWN_ROOTS)
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()


def test_a_frontier_has_the_root_of_every_size_and_is_gone_on_with() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES):
        assert frontier.root() == plain_root(LEAVES[:size])
        assert len(frontier.roots) == size.bit_count()
        frontier = Frontier.from_bytes(size, frontier.to_bytes())
        frontier.append(leaf)
    assert frontier.root() == plain_root(LEAVES)


SIZES = (*range(1, 18), 31, 32, 33, 100, 199, 200)


@pytest.mark.parametrize("size", SIZES)
def test_each_leaf_is_proven_and_no_other(size: int) -> None:
    leaves = LEAVES[:size]
    root = plain_root(leaves)
    for index in {*range(min(size, 20)), size // 2, size - 1}:
        path = inclusion_path(leaves, index)
        leaf = leaves[index]
        assert is_included(leaf, index, size, path, root)
        forged = [
            (leaf_hash(b"other"), index, size, path, root),
            (leaf, index + 1, size, path, root),
            (leaf, index - 1, size, path, root),
            (leaf, index, size, [*path, root], root),
            (leaf, index, size, path, leaf_hash(b"other")),
            *(
                (leaf, index, size, [*path[:n], leaf, *path[n + 1 :]], root)
                for n in range(len(path))
            ),
            *((leaf, index, size, path[:n], root) for n in range(len(path))),
        ]
        assert not any(is_included(*each) for each in forged)


@pytest.mark.parametrize("size", SIZES)
def test_each_tree_is_proven_to_begin_with_those_before_it_and_with_no_other(size: int) -> None:
    leaves = LEAVES[:size]
    root = plain_root(leaves)
    for first in {*range(min(size, 20)), size // 2, size - 1, size}:
        before = plain_root(leaves[:first])
        path = consistency_path(leaves, first)
        assert is_consistent(first, before, size, root, path)
        if first == 0:  # every tree begins with the empty one
            continue
        other = leaf_hash(b"other")
        forged = [
            (first, other, size, root, path),
            (first, before, size, other, path),
            (first, before, size, root, [*path, other]),
            (size + 1, before, size, root, path),
            *(
                (first, before, size, root, [*path[:n], other, *path[n + 1 :]])
                for n in range(len(path))
            ),
            *((first, before, size, root, path[:n]) for n in range(len(path))),
        ]
        assert not any(is_consistent(*each) for each in forged)
    if size > 2:
        changed = plain_root([leaf_hash(b"other"), *leaves[1:]])
        assert not is_consistent(
            2, plain_root(leaves[:2]), size, changed, consistency_path(leaves, 2)
        )
