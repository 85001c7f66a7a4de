/** How a recorded fact is put right or taken back: by the kind of its timeline entry, with what it says now. */

import {may} from './session.js';

const stay = entry => ({stayId: entry.stayId});
const movement = entry => ({movementId: entry.movementId});
const MOVEMENTS = ['STAY_EMERGENCY_CARE_RECORDED', 'STAY_ROOM_ALLOCATED', 'STAY_TRANSFERRED', 'STAY_BED_SWAPPED', 'STAY_LEAVE_STARTED', 'STAY_LEAVE_ENDED', 'STAY_ATTENDING_CHANGED', 'STAY_SPECIALTY_CHANGED', 'STAY_ADMISSION_TYPE_CHANGED', 'STAY_DISCHARGE_PLANNED'];
const CHANGES = ['CHANGED', 'HELD', 'RESUMED', 'STOPPED', 'COMPLETED'].map(name => 'PRESCRIPTION_' + name);
const of = field => (entry, content) => ({[field]: content[field]});
const ofFlag = (entry, content) => ({stayId: entry.stayId, flagId: content.flagId});
const ofPrescription = entry => ({prescriptionId: entry.subject});
const both = (correct, cancel, values) => [[correct, values], [cancel, values]];

const WAYS = {
  STAY_ADMITTED: [['correctMovement', movement], ['cancelAdmission', stay]],
  STAY_DISCHARGED: [['correctMovement', movement], ['cancelDischarge', stay]],
  STAY_VISIT_RECORDED: both('amendVisit', 'cancelVisit', of('visitId')),
  STAY_CONSULT_REQUESTED: both('correctConsult', 'cancelConsult', of('consultId')),
  STAY_CONSULT_WITHDRAWN: both('correctConsultWithdrawal', 'cancelConsultWithdrawal', of('consultId')),
  STAY_FLAG_RAISED: both('correctFlag', 'cancelFlag', ofFlag),
  STAY_FLAG_LOWERED: both('correctFlagLowering', 'cancelFlagLowering', ofFlag),
  PRESCRIPTION_WRITTEN: both('correctPrescription', 'cancelPrescription', ofPrescription),
  PRESCRIPTION_ADMINISTRATION_RECORDED: both('correctAdministration', 'cancelAdministration', of('administrationId')),
  PRESCRIPTION_UNPRESCRIBED_GIVEN: both('correctAdministration', 'cancelAdministration', of('administrationId')),
  PRESCRIPTION_INFUSION_ENDED: both('correctInfusionEnd', 'cancelInfusionEnd', of('administrationId')),
  PATIENT_DIED: both('correctDeath', 'cancelDeath', stay),
};
for (const kind of MOVEMENTS) WAYS[kind] = both('correctMovement', 'cancelMovement', movement);
for (const kind of CHANGES) WAYS[kind] = both('correctPrescriptionChange', 'cancelPrescriptionChange', of('changeId'));

/** A movement as the entry of a timeline, for who may not read that. */
export const entryOf = (stayId, {id, room, bed, attending, ...more}) => ({...more, stayId, movementId: id, content: {...more, attendingId: attending?.id, bed: {ward: room?.ward, room: room?.number, bed}}});

/** What putting a fact right by a command is called on its button. */
export const wayName = command => (/^(cancel|lift|place|withdraw)/.test(command) ? 'takeBack' : 'putRight');

/** What a fact says, by the names of the inputs. Practitioners are by their id: `staff` of them is filled in by the form. */
function says({bed, keepsBed, flagKind, kind, ...content}) {
  const staff = {};
  for (const [name, value] of Object.entries(content)) if (/Id$/.test(name)) staff[name.slice(0, -2)] = value;
  return {...content, ...(bed?.room ? bed : {}), keepBed: keepsBed, kind, flagKind: flagKind ?? kind, staff};
}

/** The commands by which an entry is put right, each with its values; none of one that holds no longer.
 * Those that the role may give, or all. */
export function waysOf(entry, offers = may) {
  if (entry.status === 'CORRECTED' || entry.status === 'CANCELLED') return [];
  const content = (typeof entry.content === 'string' ? JSON.parse(entry.content) : entry.content) ?? {};
  return (WAYS[entry.kind] ?? [])
    .map(([command, values]) => [command, values(entry, content)])
    .filter(([command, values]) => offers(command) && Object.values(values).every(Boolean))
    .map(([command, values]) => [command, /^(correct|amend)/.test(command) ? {...says(content), occurredAt: entry.occurredAt, ...values} : values]);
}

const placed = ({ward, room, bed}) => ({ward, room, bed});
const person = ({patientMrn, mrnAuthority, expectedArrivalId}) => ({patientMrn, mrnAuthority, expectedArrivalId});
const pair = (what, values, id) => ({['correct' + what]: {...values, ...id}, ['cancel' + what]: id});

/** How acts are put right that no stay tells of: of a person, a room, a report. */
const AFTER = {
  registerPatient: (values, {patient}) => ({correctPatientDetails: {...values, patientMrn: patient.mrn}}),
  correctPatientDetails: ({patientMrn, mrnAuthority, validFrom, ...values}) => validFrom
    ? pair('PatientChange', values, {patientMrn, mrnAuthority, validFrom})
    : {correctPatientDetails: {...values, patientMrn: values.mrn ?? patientMrn, mrnAuthority: values.newMrnAuthority ?? mrnAuthority}},
  mergePatients: (values, {merge}) => ({unmergePatients: {mergeId: merge.id}}),
  endAllergy: ({patientMrn, mrnAuthority, allergyId}) => pair('AllergyEnd', {}, {patientMrn, mrnAuthority, allergyId}),
  registerPractitioner: values => ({correctPractitioner: values}),
  correctPractitioner: values => ({correctPractitioner: {...values, staffNumber: values.newStaffNumber ?? values.staffNumber}}),
  changePractitioner: ({staffNumber, newStaffNumber}, {validFrom}) => ({cancelPractitionerChange: {staffNumber: newStaffNumber ?? staffNumber, validFrom}}),
  openRoom: values => ({correctRoom: placed(values)}),
  correctRoom: ({ward, room, newWard, newRoom}) => ({correctRoom: {ward: newWard ?? ward, room: newRoom ?? room}}),
  correctBed: values => pair('Bed', {}, placed(values)),
  addBed: values => pair('Bed', {}, placed(values)),
  changeRoom: ({ward, room, newWard, newRoom}) => ({cancelRoomChange: {ward: newWard ?? ward, room: newRoom ?? room}}),
  renameWard: ({ward, newWard, validFrom}) => ({renameWard: {ward: newWard, newWard: ward, validFrom}}),
  setBedCleaning: ({ward, applies, from}, {occurredAt}) => ({setBedCleaning: {ward, applies: !applies, from, occurredAt}}),
  setHospitalTime: values => ({setHospitalTime: values}),
  setRoomPolicy: ({ward, room, policy}, {occurredAt: setAt}) => pair('RoomPolicy', {occurredAt: setAt}, {ward, room, policy, setAt}),
  placeLegalHold: values => ({liftLegalHold: person(values)}),
  liftLegalHold: values => ({placeLegalHold: person(values)}),
  requestErasure: values => ({requestErasure: {...person(values), legalBasis: values.legalBasis}, withdrawErasure: person(values)}),
  withdrawErasure: values => ({requestErasure: person(values)}),
  retireBeds: values => ({cancelRetirement: placed(values)}),
  issueReport: (values, {issue}) => ({restateReport: {issueId: issue.id}}),
  restateReport: (values, {issue}) => ({restateReport: {issueId: issue.id}}),
};

/** The commands by which an act is put right that no stay tells of. */
export function waysAfter(command, values, outcome) {
  const {expectedArrival, allergy} = outcome;
  const {ward, room, patientMrn, mrnAuthority} = values;
  let ways = AFTER[command]?.(values, outcome);
  if (/^cancel/.test(command)) return [];
  if (expectedArrival) ways = pair('ExpectedArrival', values, {expectedArrivalId: expectedArrival.id});
  else if (allergy) ways = pair('Allergy', values, {allergyId: allergy.id, patientMrn, mrnAuthority});
  else if (outcome.bedStates?.length) ways = pair('BedState', values, {bedStateId: outcome.bedStates.at(-1).id, ward, room});
  return Object.entries(ways || {});
}

/** What an act is about that no stay tells of: a place, records, a practitioner. */
export function subjectOf({ward, room, bed, patientMrn, intoMrn, mrn, staffNumber}) {
  const records = [patientMrn ?? mrn, intoMrn].filter(Boolean).join(' → ');
  return [[ward, room, bed].filter(Boolean).join(' '), records, staffNumber].filter(Boolean).join(' · ');
}
