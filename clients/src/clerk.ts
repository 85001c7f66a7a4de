// A clerk's shift at the desk: who is coming, who is here already, where a bed is free, and who goes home.
import assert from "node:assert/strict";
import * as ask from "./made/graphql.js";
import { NotAnswered, Wardbook } from "./wardbook.js";

const { WARDBOOK_URL, WARDBOOK_REGISTRAR } = process.env;
const desk = new Wardbook(WARDBOOK_URL!, WARDBOOK_REGISTRAR!);
const ward = "Surgery";
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

// The screen begins with who looks at it, and offers what they may do.
const { viewer, hospital } = (await desk.ask(ask.StartDocument, {})).data;
assert.equal(viewer.roleName, "REGISTRAR");
assert.ok(viewer.commands.includes("admitPatient") && !viewer.commands.includes("writePrescription"));
assert.equal(hospital.timeZone, "Europe/Berlin");

// A colleague's house tells that Mrs Ångström will come, who has no record here yet.
const planned = (
  await desk.give(ask.PlanAdmissionDocument, {
    familyName: "Ångström",
    givenName: "Lena",
    expectedAt: inDays(0.1),
    ward,
    urgency: "URGENT",
    monitor: true,
  })
).planAdmission;
assert.ok(planned.__typename === "ExpectedArrivalRecorded", JSON.stringify(planned));
const { expectedArrivals } = (await desk.ask(ask.ArrivalsDocument, { ward })).data;
assert.deepEqual(
  expectedArrivals.nodes.map((arrival) => [arrival.familyName, arrival.urgency]),
  [["Ångström", "URGENT"]],
);
const { houseTotals } = (await desk.ask(ask.HouseTotalsDocument, { ward })).data;
assert.deepEqual([houseTotals.total.beds, houseTotals.total.free], [4, 4]);

// She comes. The search finds nobody, so she is registered; the second desk is shown that it is she.
assert.deepEqual((await desk.ask(ask.FindPatientsDocument, { search: "angstrom lena" })).data.patients.nodes, []);
const person = { familyName: "Ångström", givenName: "Lena", birthDate: "1991-02-28", sex: "FEMALE" } as const;
const registered = (await desk.give(ask.RegisterPatientDocument, { mrn: "L-1", ...person })).registerPatient;
assert.ok(registered.__typename === "PatientRecorded", JSON.stringify(registered));
const again = (await desk.give(ask.RegisterPatientDocument, { mrn: "L-2", ...person })).registerPatient;
const candidates = "likelyDuplicates" in again ? again.likelyDuplicates.map(({ mrn }) => mrn) : again;
assert.deepEqual(candidates, ["L-1"]);
for (const search of ["angstrom lena", "Lena Ångstr", "L-1", "1991-02-28"]) {
  const { patients } = (await desk.ask(ask.FindPatientsDocument, { search })).data;
  assert.ok(patients.nodes.some(({ mrn }) => mrn === "L-1"), search);
}

// A bed that stays free, and the admission that answers the plan.
const free = (await desk.ask(ask.FreeBedsDocument, { ward, until: inDays(1) })).data.roomOccupancy;
const [room] = free;
const [bed] = room!.beds;
const place = { ward, room: room!.room.number, bed: bed!.code };
const admitted = (
  await desk.give(ask.AdmitPatientDocument, {
    patientMrn: "L-1",
    admissionType: "ELECTIVE",
    expectedArrivalId: planned.expectedArrival!.id,
    ...place,
  })
).admitPatient;
assert.ok(admitted.__typename === "StayRecorded", JSON.stringify(admitted));
const { stay } = admitted;
assert.deepEqual([stay.status, stay.room?.ward, stay.bed], ["ADMITTED", ward, place.bed]);
assert.deepEqual((await desk.ask(ask.ArrivalsDocument, { ward })).data.expectedArrivals.nodes, []);

// The next one is offered the same bed by mistake: the screen says who has it.
await desk.give(ask.RegisterPatientDocument, { mrn: "L-3", familyName: "Østby", givenName: "Kai", sex: "FEMALE" });
const refused = (
  await desk.give(ask.AdmitPatientDocument, { patientMrn: "L-3", admissionType: "EMERGENCY", ...place })
).admitPatient;
assert.ok(refused.__typename === "BedOccupied", JSON.stringify(refused));
assert.deepEqual([refused.occupiedBy?.patient?.mrn, refused.path], ["L-1", ["bed"]]);
const other = free.flatMap((one) => one.beds.map(({ code }) => ({ ward, room: one.room.number, bed: code })))[1]!;
const second = (
  await desk.give(ask.AdmitPatientDocument, { patientMrn: "L-3", admissionType: "EMERGENCY", ...other })
).admitPatient;
assert.ok(second.__typename === "StayRecorded", JSON.stringify(second));
const twice = (
  await desk.give(ask.AdmitPatientDocument, { patientMrn: "L-3", admissionType: "EMERGENCY", withoutBed: "desk" })
).admitPatient;
assert.ok(twice.__typename === "PatientAlreadyAdmitted", JSON.stringify(twice));
assert.equal(twice.otherStay?.id, second.stay.id);

// It was the other bed: the clerk puts right the movement of her own entry, and sees both in the stay.
const third = free.flatMap((one) => one.beds.map(({ code }) => ({ ward, room: one.room.number, bed: code })))[2]!;
const movement = second.movements.find(({ kind }) => kind === "STAY_ROOM_ALLOCATED") ?? second.movements[0]!;
const corrected = (
  await desk.give(ask.CorrectMovementDocument, { movementId: movement.id, reason: "wrong bed entered", ...third })
).correctMovement;
assert.ok(corrected.__typename === "StayRecorded", JSON.stringify(corrected));
assert.equal(corrected.stay.bed, third.bed);

// Notes of the ward are not the desk's: that part is refused, by a code, and the rest is there.
const chart = await desk.ask(ask.StayChartDocument, { id: stay.id }).catch((error: NotAnswered) => error);
assert.ok(chart.faults.length > 0 && chart.faults.every((fault) => fault.extensions.errorCode === "NOT_ALLOWED"));
const board = await desk.ask(ask.BoardDocument, { ward }); // its flags are not the desk's, who lies where is
assert.deepEqual([...new Set(board.faults.map((fault) => fault.extensions["field"]))], ["Bed.flags"]);
const taken = board.data.roomOccupancy.flatMap(({ beds }) => beds.filter(({ state }) => state === "OCCUPIED"));
assert.deepEqual(taken.map((bed) => bed.occupants[0]?.patient?.mrn).sort(), ["L-1", "L-3"]);

// Lena goes home, which was too early: the discharge is taken back, then done.
const home = { stayId: stay.id, disposition: "HOME" } as const;
const left = (await desk.give(ask.DischargePatientDocument, home)).dischargePatient;
assert.ok(left.__typename === "StayRecorded", JSON.stringify(left));
const back = (
  await desk.give(ask.CancelDischargeDocument, {
    stayId: stay.id,
    because: "ENTERED_IN_ERROR",
    reason: "the wrong patient",
    ...place,
  })
).cancelDischarge;
assert.ok(back.__typename === "StayRecorded", JSON.stringify(back));
assert.equal(back.stay.status, "ADMITTED");

await desk.close();
console.log("A clerk's shift: done");
