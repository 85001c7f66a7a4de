"""Admissions and discharges by specialty and type, by age group and sex."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.authorization.roles import Role
from application.reports.definition import Report
from application.reports.groups import MOVEMENTS_BY_AGE_AND_SEX_1, MOVEMENTS_BY_SPECIALTY_1
from application.reports.movements import MOVEMENTS_2
from domain.refusals import InvalidInput
from tests.mistakes.test_disclosure import login
from tests.reports.test_asked import report
from tests.support.api_dsl import Ward, ago
from tests.support.report_house import asked, figure, figures, known, stay


def groups(told: Report, name: str) -> dict[str, Any]:
    """The values of a figure by what they are of."""
    return {
        " ".join(value for _, value in row.of): row.value for row in told.rows if row.figure == name
    }


def test_a_stay_is_admitted_by_the_specialty_and_type_it_began_with_and_discharged_by_the_last() -> (
    None
):
    changed = stay(
        "x", "03-02 08:00", "03-05 08:00", last_type="ELECTIVE", admission_type="EMERGENCY"
    )
    result = asked(
        MOVEMENTS_BY_SPECIALTY_1,
        "03-01",
        "03-31",
        stays=(changed,),
        specialties={changed.stay: ("SURGERY", "CARDIOLOGY")},
    )
    assert groups(result, "admissionsBySpecialty") == {"SURGERY": 1}
    assert groups(result, "dischargesBySpecialty") == {"CARDIOLOGY": 1}
    assert groups(result, "averageLengthOfStayBySpecialty") == {"CARDIOLOGY": 3}
    assert groups(result, "admissionsByType") == {"EMERGENCY": 1}
    assert groups(result, "dischargesByType") == {"ELECTIVE": 1}
    assert groups(result, "deathsByType") == {}


@pytest.mark.parametrize(
    ("born", "group"),
    [
        (date(2026, 3, 2), "00"),
        (date(2025, 3, 3), "00"),
        (date(2025, 3, 2), "01-04"),
        (date(2011, 3, 3), "05-14"),
        (date(1941, 3, 2), "85+"),
        (None, "UNKNOWN"),
    ],
)
def test_the_age_is_that_in_completed_years_on_the_day_of_the_admission(
    born: date | None, group: str
) -> None:
    one = stay("x", "03-02 08:00", "03-05 08:00")
    result = asked(
        MOVEMENTS_BY_AGE_AND_SEX_1,
        "03-01",
        "03-31",
        stays=(one,),
        patients={one.patient: (born, "FEMALE")},
    )
    assert groups(result, "admissionsByAgeGroup") == {group: 1}
    assert groups(result, "dischargesByAgeGroupAndSex") == {f"{group} FEMALE": 1}


def test_groups_of_other_ages_can_be_asked_for() -> None:
    one = stay("x", "03-02 08:00")
    for ages, group in (("18,65", "18-64"), ("45, 35", "35-44"), ("85", "00-84"), ("", "00+")):
        result = asked(
            MOVEMENTS_BY_AGE_AND_SEX_1,
            "03-01",
            parameters={"ages": ages},
            last="03-31",
            stays=(one,),
            patients={one.patient: (date(1985, 1, 1), "MALE")},
        )
        assert groups(result, "admissionsByAgeGroup") == {group: 1}


STAYS = st.lists(
    st.tuples(
        st.integers(1, 20),
        st.integers(0, 20),
        st.sampled_from(["FEMALE", "MALE", "UNKNOWN"]),
        st.none() | st.dates(date(1900, 1, 1), date(2026, 3, 1)),
    ),
    max_size=12,
)


@given(STAYS)
def test_the_groups_of_a_figure_add_up_to_it(told: list[tuple[int, int, str, date | None]]) -> None:
    stays, patients = [], {}
    for n, (day, days, sex, born) in enumerate(told):
        begin = datetime(2026, 3, day, 8, tzinfo=UTC)
        end = begin + timedelta(days=days, hours=1)
        stays.append(stay(f"s{n}", f"{begin:%m-%d %H:%M}", f"{end:%m-%d %H:%M}"))
        patients[known(f"patient of s{n}")] = (born, sex)
    period: Any = {"first": "03-01", "last": "03-25", "stays": tuple(stays)}
    whole = asked(MOVEMENTS_2, **period)
    by_age = asked(MOVEMENTS_BY_AGE_AND_SEX_1, **period, patients=patients)
    by_type = asked(MOVEMENTS_BY_SPECIALTY_1, **period)
    for name in ("admissions", "discharges", "deaths"):
        for report_by, suffix in (
            *((by_age, end) for end in ("ByAgeGroup", "BySex", "ByAgeGroupAndSex")),
            *((by_type, end) for end in ("BySpecialty", "ByType")),
        ):
            assert sum(figures(report_by, name + suffix)) == figure(whole, name)  # type: ignore[arg-type]


def test_groups_come_out_of_what_is_recorded(ward: Ward) -> None:
    born = f"{datetime.now(UTC).year - 40}-01-01"
    there = ward.room("a", "b")
    for bed, sex in (("a", "FEMALE"), ("b", "MALE")):
        mrn = ward.patient(sex=sex, birthDate=born)
        ward.stay(f"{there}/{bed}", patientMrn=mrn, at=ago(days=4), specialty=f"S{bed}")
    result = report(ward, "movements-by-age-and-sex", 6, 1)
    of = {
        figure["of"][0]["value"]: figure["value"]
        for figure in result["figures"]
        if figure["name"] == "admissionsBySex"
    }
    assert of == {"FEMALE": 1, "MALE": 1}
    result = report(ward, "movements-by-specialty", 6, 1)
    names = [f["of"][0]["value"] for f in result["figures"] if f["name"] == "admissionsBySpecialty"]
    assert names == ["Sa", "Sb"]


def test_other_ages_than_those_that_an_erasure_leaves_are_refused() -> None:
    with pytest.raises(InvalidInput, match="ages has no '40'; it has: 0, 1, 5, 15, 18"):
        MOVEMENTS_BY_AGE_AND_SEX_1.parameters_of({"ages": "18,40"})


def test_groups_of_few_persons_are_withheld_from_who_may_not_see_them(ward: Ward) -> None:
    """Nor do they follow from the other groups, by age alone, by sex alone, or together."""
    year = datetime.now(UTC).year
    for number, age, sex in (
        (6, 40, "FEMALE"),
        (7, 40, "MALE"),
        (8, 70, "FEMALE"),
        (2, 70, "MALE"),
    ):
        for _ in range(number):
            mrn = ward.patient(sex=sex, birthDate=f"{year - age}-01-01")
            ward.stay(None, patientMrn=mrn, at=ago(days=4), withoutBed="corridor")
    result = report(Ward(login(ward, Role.ANALYST)), "movements-by-age-and-sex", 6, 1)
    admissions = {
        " ".join(part["value"] for part in figure["of"]): figure["value"]
        for figure in result["figures"]
        if figure["name"].startswith("admissions")
    }
    assert admissions["65-74 MALE"] is None
    assert None in (admissions["65-74"], admissions["65-74 FEMALE"])
    assert None in (admissions["MALE"], admissions["35-44 MALE"])
    assert 2 not in admissions.values()
    assert [value for value in admissions.values() if value]
