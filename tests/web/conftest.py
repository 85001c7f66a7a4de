"""The server that the tests of the page share: that of the tests of the API."""

from tests.api.conftest import shared

__all__ = ["shared"]
