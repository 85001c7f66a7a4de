"""Examples of mutations, gathered by name: each is sent once by `test_mutations`."""

from collections.abc import Callable
from typing import Any

from tests.support.api_dsl import Ward

Answer = dict[str, Any]
Example = Callable[[Ward], Answer]
EXAMPLES: dict[str, tuple[str, Example]] = {}


def example(answers: str) -> Callable[[Example], Example]:
    """An example of the mutation that it is named for, and the type of its answer."""

    def take(given: Example) -> Example:
        first, *rest = given.__name__.split("_")
        EXAMPLES[first + "".join(part.capitalize() for part in rest)] = (answers, given)
        return given

    return take
