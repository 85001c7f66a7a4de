"""Registry of examples of mutations, by name: `test_mutations` sends each once."""

from collections.abc import Callable
from typing import Any

from tests.support.api_dsl import Ward

Answer = dict[str, Any]
Example = Callable[[Ward], Answer]
EXAMPLES: dict[str, tuple[str, Example]] = {}


def example(answers: str) -> Callable[[Example], Example]:
    """Register an example of the mutation of its name, with the type of the payload."""

    def take(given: Example) -> Example:
        first, *rest = given.__name__.split("_")
        EXAMPLES[first + "".join(part.capitalize() for part in rest)] = (answers, given)
        return given

    return take
