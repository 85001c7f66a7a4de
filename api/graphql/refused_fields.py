"""Fields of an operation that a role may not see."""

from collections.abc import Mapping

from graphql import FieldNode

RefusedFields = Mapping[int, tuple[str, str, FieldNode]]
"""By the identity of its node, each field: the right that it needs, its name, and the node."""
