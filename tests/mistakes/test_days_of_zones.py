"""Mistakes of other systems about days on which clocks change, whichever door is used.

The facts of `test_precision`, on days of 23 and of 25 hours in two zones, by `POST /commands`: see
`test_covered`.
"""

import os
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tests.mistakes import test_precision as precision
from tests.support import api_dsl
from tests.support.api_dsl import Ward, iso
from tests.support.json_door import Commands

DAYS = {
    "2026-03-29": "Europe/Berlin",
    "2025-10-26": "Europe/Berlin",
    "2026-03-08": "America/St_Johns",
    "2025-11-02": "America/St_Johns",
}
"""Days on which clocks go forward, and back."""


@pytest.fixture(params=DAYS)
def elsewhere(request: pytest.FixtureRequest, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> Ward:
    """A house of a zone, asked as if it were three days after a change of its clocks."""
    zone = ZoneInfo(DAYS[request.param])
    noon = datetime.fromisoformat(f"{request.param}T12:00").replace(tzinfo=zone)

    def ago(**before: float) -> str:
        return iso(noon + timedelta(days=3) - timedelta(**before))

    def moment(told: str) -> datetime:
        return datetime.fromisoformat(told).astimezone(zone)

    for module in (api_dsl, precision):
        monkeypatch.setattr(module, "ago", ago)
        monkeypatch.setattr(module, "moment", moment)
    ward.record("setHospitalTime", timeZone=zone.key)
    return Commands(ward)


def test_mistake_435_a_fact_known_to_the_day_contradicts_none_of_a_longer_or_shorter_day(
    elsewhere: Ward,
) -> None:
    cases = Random(os.environ.get("WARDBOOK_STORIES", "1")).sample(precision.CASES, 4)
    wrong = [(case, result) for case in cases if (result := precision.refused(elsewhere, case))]
    assert wrong == []


@pytest.mark.nightly
def test_mistake_435_each_pair_of_facts_on_a_longer_or_shorter_day(elsewhere: Ward) -> None:
    cases = precision.CASES
    wrong = [(case, result) for case in cases if (result := precision.refused(elsewhere, case))]
    assert wrong == []
