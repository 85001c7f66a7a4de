"""Days of therapy, and prescriptions in force."""

from fractions import Fraction

from application.reports.inputs import AgentDays, Course, DoseDays
from application.reports.medicines import ACTIVE_PRESCRIPTIONS_1, THERAPY_DAYS_1, THERAPY_DAYS_2
from tests.support.report_house import asked, at, figure, figures, stay

HERE = stay("here", "03-01 08:00", "03-11 08:00")  # ten patient days


def test_three_days_of_one_drug_and_two_of_another_in_ten_patient_days_are_500_per_thousand() -> (
    None
):
    given = (DoseDays(HERE.patient, "Amoxicillin", 3), DoseDays(HERE.patient, "Gentamicin", 2))
    result = asked(THERAPY_DAYS_1, "03-01", "03-31", stays=(HERE,), dose_days=given)
    assert figure(result, "daysOfTherapy") == 5
    assert [
        (dict(r.of)["drug"], r.value) for r in result.rows if r.figure == "daysOfTherapyByDrug"
    ] == [
        ("Amoxicillin", 3),
        ("Gentamicin", 2),
    ]
    assert figure(result, "patientDays") == 10
    assert figure(result, "rate") == 500


def test_drugs_can_be_chosen_and_the_patient_days_stay_those_of_all() -> None:
    given = (DoseDays(HERE.patient, "Amoxicillin", 1), DoseDays(HERE.patient, "Ibuprofen", 9))
    other = stay("other", "03-01 08:00", "03-03 08:00")
    result = asked(
        THERAPY_DAYS_1,
        "03-01",
        "03-31",
        stays=(HERE, other),
        dose_days=given,
        parameters={"drugs": "Amoxicillin"},
    )
    assert figure(result, "rate") == Fraction(1000, 12)


def test_drugs_are_chosen_by_any_name_or_code_and_called_as_last_ordered() -> None:
    names = ("Amoxicilin", "Amoxicillin", "J01CA04")
    given = (AgentDays(HERE.patient, "Amoxicillin", names, 3),)
    for chosen, days in (("Amoxicilin", [3]), ("J01CA04", [3]), ("Ibuprofen", [])):
        result = asked(
            THERAPY_DAYS_2,
            "03-01",
            "03-31",
            stays=(HERE,),
            agent_days=given,
            parameters={"drugs": chosen},
        )
        assert [r.value for r in result.rows if r.figure == "daysOfTherapyByDrug"] == days


def test_without_patient_days_there_is_no_rate() -> None:
    assert figure(asked(THERAPY_DAYS_1, "03-01", "03-31"), "rate") is None


def course(since: str, until: str | None = None, is_held: bool = False) -> Course:
    return Course(HERE.stay, at(since), at(until) if until else None, is_held)


def test_a_prescription_is_active_from_its_start_to_just_before_its_stop() -> None:
    result = asked(
        ACTIVE_PRESCRIPTIONS_1,
        "03-01",
        "03-04",
        stays=(HERE,),
        courses=(course("03-01 23:59", "03-03 23:59"), course("03-02 12:00")),
    )
    assert figures(result, "active") == [1, 2, 1, 1]


def test_one_on_hold_is_listed_apart() -> None:
    held = (course("03-01 08:00", "03-02 08:00"), course("03-02 08:00", "03-03 08:00", True))
    result = asked(ACTIVE_PRESCRIPTIONS_1, "03-01", "03-03", stays=(HERE,), courses=held)
    assert figures(result, "active") == [1, 0, 0]
    assert figures(result, "held") == [0, 1, 0]


def test_a_ward_counts_those_who_have_a_bed_of_it_then() -> None:
    moved = stay("here", "03-01 08:00", wards=[("03-02 12:00", "B")])
    courses = (course("03-01 08:00"),)
    result = asked(
        ACTIVE_PRESCRIPTIONS_1, "03-01", "03-03", ward="B", stays=(moved,), courses=courses
    )
    assert figures(result, "active") == [0, 1, 1]
