"""Aggregates that are kept between commands."""

from collections.abc import Callable

import pytest

from application.hospital import Hospital
from domain.prescription.events import Medication
from domain.refusals import NotFound
from domain.stay.facts import Disposition
from tests.support.hospital_dsl import admitted, request, room


def test_an_id_that_is_given_for_another_kind_of_thing_spoils_nothing(
    hospital: Hospital, another: Callable[[], Hospital]
) -> None:
    room(hospital, "1", "a")
    stay = admitted(hospital, "M1", "A/1/a")
    prescribed = hospital.prescriptions.write_prescription(
        request(), stay_id=stay, medication=Medication(name="Metamizole"),
    )  # fmt: skip
    prescription = prescribed.ids("prescription")[0]
    restarted = another()

    for id in (prescription, prescribed.command_id):
        with pytest.raises(NotFound):
            restarted.stays.discharge_patient(request(), stay_id=id, disposition=Disposition.HOME)
    with pytest.raises(NotFound):
        restarted.prescriptions.stop_prescription(request(), prescription_id=stay)

    restarted.prescriptions.stop_prescription(request(), prescription_id=prescription)
    restarted.stays.discharge_patient(request(), stay_id=stay, disposition=Disposition.HOME)
