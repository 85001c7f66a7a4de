// A nurse's shift on her ward: the board that is followed, doses when they are due, moves, leaves and mistakes.
import assert from "node:assert/strict";
import * as ask from "./made/graphql.js";
import { Wardbook } from "./wardbook.js";

const { WARDBOOK_URL, WARDBOOK_NURSE, WARDBOOK_PHYSICIAN } = process.env;
const nurse = new Wardbook(WARDBOOK_URL!, WARDBOOK_NURSE!);
const physician = new Wardbook(WARDBOOK_URL!, WARDBOOK_PHYSICIAN!);
const ward = "Surgery";
const begun = new Date().toISOString(); // after the clerk's shift
const hour = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

const { viewer } = (await nurse.ask(ask.StartDocument, {})).data;
assert.deepEqual([viewer.roleName, viewer.wards], ["NURSE", [ward]]);

// The board, and from where it was read on what changes.
const board = await nurse.ask(ask.BoardDocument, { ward });
const lying = board.data.roomOccupancy.flatMap(({ room, beds }) =>
  beds.flatMap((bed) => bed.occupants.map(({ stay, patient }) => ({ room, bed, stay: stay!, patient: patient! }))),
);
const lena = lying.find(({ patient }) => patient.mrn === "L-1")!;
const kai = lying.find(({ patient }) => patient.mrn === "L-3")!;
const changes = nurse.follow(ask.BoardChangesDocument, { ward, after: board.position! });

const raised = (await nurse.give(ask.RaiseFlagDocument, { stayId: lena.stay.id, flagKind: "FALL_RISK" })).raiseFlag;
assert.ok(raised.__typename === "FlagRecorded", JSON.stringify(raised));
for await (const { roomOccupancyChanged } of changes) {
  const flags = roomOccupancyChanged.rooms.flatMap(({ beds }) => beds.flatMap((bed) => bed.flags));
  if (flags.some(({ kind }) => kind === "FALL_RISK")) break;
}

// An allergy is told; the prescription against it is refused until the doctor confirms it, with a reason.
const penicillin = { name: "Amoxicillin", code: "J01CA04", system: "http://www.whocc.no/atc" };
const allergy = (
  await nurse.give(ask.RecordAllergyDocument, { patientMrn: "L-1", substance: penicillin, severity: "SEVERE" })
).recordAllergy;
assert.ok(allergy.__typename === "AllergyRecorded", JSON.stringify(allergy));
const written = {
  stayId: lena.stay.id,
  dose: "1 g",
  route: "oral",
  schedule: { everyHours: 6 },
  prescriber: "D1",
};
const against = (await physician.give(ask.WritePrescriptionDocument, { ...written, medication: penicillin })).writePrescription;
assert.ok(against.__typename === "WarningsUnconfirmed", JSON.stringify(against));
assert.deepEqual(against.warnings, ["ALLERGY"]);
const paracetamol = (
  await physician.give(ask.WritePrescriptionDocument, { ...written, medication: { name: "Paracetamol" } })
).writePrescription;
assert.ok(paracetamol.__typename === "PrescriptionRecorded", JSON.stringify(paracetamol));

// It is due now. Given once; the second one is too early, and one that was entered by mistake is taken back.
const { dosesDue } = (await nurse.ask(ask.DosesDueDocument, { ward })).data;
const due = dosesDue.find(({ stay }) => stay?.id === lena.stay.id);
assert.equal(due?.prescription?.medication.name, "Paracetamol");
const dose = { prescriptionId: paracetamol.prescription.id, given: true };
const given = (await nurse.give(ask.RecordAdministrationDocument, dose)).recordAdministration;
assert.ok(given.__typename === "PrescriptionRecorded", JSON.stringify(given));
const tooEarly = (await nurse.give(ask.RecordAdministrationDocument, dose)).recordAdministration;
assert.ok(tooEarly.__typename === "WarningsUnconfirmed", JSON.stringify(tooEarly));
const confirmed = (
  await nurse.give(ask.RecordAdministrationDocument, {
    ...dose,
    confirmedWarnings: tooEarly.warnings,
    reason: "vomited the first one",
  })
).recordAdministration;
assert.ok(confirmed.__typename === "PrescriptionRecorded", JSON.stringify(confirmed));
const undone = (
  await nurse.give(ask.CancelAdministrationDocument, {
    administrationId: confirmed.administration!.id,
    because: "ENTERED_IN_ERROR",
    reason: "kept the first one after all",
  })
).cancelAdministration;
assert.ok(undone.__typename === "PrescriptionRecorded", JSON.stringify(undone));
assert.deepEqual(undone.prescription.administrations.map(({ id }) => id), [given.administration!.id]);

const visit = (
  await nurse.give(ask.RecordVisitDocument, {
    stayId: lena.stay.id,
    practitioner: "D1",
    kind: "ROUND",
    note: "Sleeps well [see chart].",
  })
).recordVisit;
assert.ok(visit.__typename === "VisitRecorded", JSON.stringify(visit));

// A move: the bed is taken, so another one; then it was earlier, as the shift began.
const taken = { ward, room: kai.room.number, bed: kai.bed.code };
const refused = (await nurse.give(ask.TransferPatientDocument, { stayId: lena.stay.id, ...taken })).transferPatient;
assert.ok(refused.__typename === "BedOccupied", JSON.stringify(refused));
assert.equal(refused.occupiedBy?.patient?.mrn, "L-3");
const free = (await nurse.ask(ask.FreeBedsDocument, { ward })).data.roomOccupancy;
const [one] = free.flatMap(({ room, beds }) => beds.map(({ code }) => ({ ward, room: room.number, bed: code })));
const moved = (await nurse.give(ask.TransferPatientDocument, { stayId: lena.stay.id, ...one! })).transferPatient;
assert.ok(moved.__typename === "StayRecorded", JSON.stringify(moved));
const corrected = (
  await nurse.give(ask.CorrectMovementDocument, {
    movementId: moved.movements[0]!.id,
    occurredAt: begun,
    reason: "looked at the wrong clock",
  })
).correctMovement;
assert.ok(corrected.__typename === "StayRecorded", JSON.stringify(corrected));

// The garden for an hour, and back in bed.
const away = (
  await nurse.give(ask.StartLeaveDocument, { stayId: lena.stay.id, keepBed: true, expectedReturn: hour(1) })
).startLeave;
assert.ok(away.__typename === "StayRecorded" && away.stay.status === "ON_LEAVE", JSON.stringify(away));
const back = (await nurse.give(ask.EndLeaveDocument, { stayId: lena.stay.id })).endLeave;
assert.ok(back.__typename === "StayRecorded" && back.stay.status === "ADMITTED", JSON.stringify(back));

const plan = { stayId: lena.stay.id, plan: "CLEARED", expectedAt: hour(20) } as const;
const cleared = (await nurse.give(ask.PlanDischargeDocument, plan)).planDischarge;
assert.ok(cleared.__typename === "StayRecorded", JSON.stringify(cleared));

// The stay as it is now, and as it was on the board at the beginning of the shift.
const { stay } = (await nurse.ask(ask.StayPageDocument, { id: lena.stay.id })).data;
assert.equal(stay?.dischargePlan, "CLEARED");
assert.ok(stay.movements.some(({ status }) => status === "CORRECTED"));
assert.ok(stay.movements.every(({ recorder }) => recorder.subject.length > 0));
const before = (
  await nurse.ask(ask.StayPageDocument, { id: lena.stay.id, at: { knownAtPosition: board.position } })
).data.stay;
assert.deepEqual([before?.bed, before?.dischargePlan], [lena.bed.code, "NONE"]);
const chart = (await nurse.ask(ask.StayChartDocument, { id: lena.stay.id })).data.stay!;
assert.deepEqual(chart.visits.map(({ recorded }) => recorded?.recordedBy.subject), [viewer.subject]);

// The way home: the course for the patient to take along, the discharge, and the bed made ready.
const course = (await nurse.ask(ask.CourseDocument, { stayId: lena.stay.id, format: "HTML" })).data.course!;
assert.ok(course.mediaType.startsWith("text/html") && course.text.includes("[see chart]"));
const left = (await nurse.give(ask.DischargePatientDocument, { stayId: lena.stay.id, disposition: "HOME" })).dischargePatient;
assert.ok(left.__typename === "StayRecorded", JSON.stringify(left));
const ready = (await nurse.give(ask.FinishCleaningDocument, one!)).finishCleaning;
assert.ok(ready.__typename === "RoomRecorded", JSON.stringify(ready));
const after = (await nurse.ask(ask.StayPageDocument, { id: lena.stay.id })).data.stay!;
assert.deepEqual([after.status, after.bed, after.lastPlace?.bed], ["DISCHARGED", null, one!.bed]);

await Promise.all([nurse.close(), physician.close()]);
console.log("A nurse's shift: done");
