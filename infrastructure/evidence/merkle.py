"""Merkle trees of RFC 9162 (section 2.1) over SHA-256: roots, and proofs of inclusion and consistency.

A tree is told by the hashes of its leaves, in order.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: the roots of its whole subtrees, the largest first.

    It is all that is needed to append to the tree and to know its root.
    """

    __slots__ = ("roots", "size")

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        self.size, self.roots = size, list(roots)

    @classmethod
    def from_bytes(cls, size: int, content: bytes) -> "Frontier":
        return cls(size, split_hashes(content))

    def to_bytes(self) -> bytes:
        return b"".join(self.roots)

    def copy(self) -> "Frontier":
        return Frontier(self.size, self.roots)

    def append(self, leaf: bytes) -> None:
        size = self.size
        while size & 1:  # two subtrees of a size make one
            leaf = sha256(b"\x01" + self.roots.pop() + leaf).digest()
            size >>= 1
        self.roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self.roots:
            return EMPTY_ROOT
        *lefts, root = self.roots
        for subtree in reversed(lefts):
            root = node_hash(subtree, root)
        return root


def split_hashes(content: bytes) -> list[bytes]:
    """Return the hashes that stand one after the other."""
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree of some leaves."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the proof that the tree has the leaf at ``index``, from the leaf upwards."""
    path: list[bytes] = []
    low, high = 0, len(leaves)
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(root_of(leaves[middle:high]))
            high = middle
        else:
            path.append(root_of(leaves[low:middle]))
            low = middle
    return path[::-1]


def consistency_path(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return the proof that the tree begins with the tree of its ``first`` leaves."""
    if first == 0:
        return []
    path: list[bytes] = []
    low, high = 0, len(leaves)
    while low + first != high:
        middle = low + _split(high - low)
        if low + first <= middle:
            path.append(root_of(leaves[middle:high]))
            high = middle
        else:
            path.append(root_of(leaves[low:middle]))
            first -= middle - low
            low = middle
    if low:
        path.append(root_of(leaves[low:high]))
    return path[::-1]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that the tree of ``size`` leaves has this one at ``index``."""
    if not 0 <= index < size:
        return False
    at, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def is_consistent(
    first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Return whether a proof shows that the second tree begins with the first one."""
    if first == 0:
        return first_root == EMPTY_ROOT and not path
    if first >= second:
        return first == second and first_root == second_root and not path
    path = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """Return the largest power of two that is smaller than ``size``."""
    return int(1 << (size - 1).bit_length() - 1)
