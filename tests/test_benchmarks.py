"""The benchmarks ask tables that are there: nothing else runs them between two releases."""

import re
from pathlib import Path

from infrastructure.read_models import READ_MODELS

TEXTS = [file.read_text() for file in (Path(__file__).parent / "benchmarks").glob("*.py")]


def test_the_benchmarks_name_the_read_models_of_today() -> None:
    named = {name for text in TEXTS for name in re.findall(r"\b[a-z_]+_v\d+(?=\b)", text)}

    assert named
    assert named - {str(model.metadata.schema) for model in READ_MODELS} == set()
