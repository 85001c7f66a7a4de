"""Scalars for schemathesis to ask at random, and what an answer may never say.

Run in the tools' environment, by `SCHEMATHESIS_HOOKS`; WARDBOOK_POSITION is one that the server gave.
"""

import os
import re
from datetime import UTC, datetime

import schemathesis  # type: ignore[import-not-found]
from hypothesis import strategies as st
from schemathesis.graphql import nodes  # type: ignore[import-not-found]

INTERNALS = re.compile(
    r"Traceback|File \\?\"|\.py\b|site-packages|psycopg|sqlalchemy|asyncpg|strawberry|"
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b|pg_|_v1\.|relation \\?\"|/tmp/|/home/|/root/",
)
"""Stack, SQL, tables, libraries, paths."""

MOMENTS = st.datetimes(
    min_value=datetime(1900, 1, 1), max_value=datetime(2026, 1, 1), timezones=st.just(UTC)
)
ODD = st.sampled_from(["", "garbage", "2026-W01", "0", "9999-12-31T23:59:59Z", "ä" * 50])


def register(name: str, well: st.SearchStrategy[str]) -> None:
    """Now and then it is odd: what is odd everywhere would never get beyond the first check."""
    said = st.integers(0, 9).flatmap(lambda n: ODD if n == 9 else well)
    schemathesis.graphql.scalar(name, said.map(nodes.String))


register("DateTime", MOMENTS.map(lambda at: at.isoformat().replace("+00:00", "Z")))
register("Date", MOMENTS.map(lambda at: at.date().isoformat()))
register("Time", MOMENTS.map(lambda at: at.time().isoformat("minutes")))
# Mostly none: the same question by knownAt and by knownAtPosition is refused.
POSITIONS = st.sampled_from([nodes.Null] * 8 + [nodes.String(os.environ["WARDBOOK_POSITION"])] * 2)
schemathesis.graphql.scalar("Position", POSITIONS)
schemathesis.graphql.scalar("Long", st.integers(-(2**70), 2**70).map(nodes.Int))
schemathesis.graphql.scalar("JSON", st.text(max_size=20).map(nodes.String))


@schemathesis.check  # type: ignore[untyped-decorator]
def answers_without_internals(ctx: object, response: object, case: object) -> None:
    """No 5xx, no error of ours, nothing of how the server is made."""
    status, said = response.status_code, response.text  # type: ignore[attr-defined]
    assert status < 500, f"it answers {status}"
    answer = response.json()  # type: ignore[attr-defined]
    errors = answer.get("errors") or []
    codes = {error["extensions"]["code"] for error in errors}
    assert "INTERNAL" not in codes, said
    sent = case.body if isinstance(case.body, str) else str(case.body)  # type: ignore[attr-defined]
    for error in errors:
        result = INTERNALS.search(error["message"])
        assert result is None or result.group() in sent, f"it tells {result}: {said}"
