/** How a recorded fact is put right or taken back: by the kind of its timeline entry, with what it says now. */

import {ask} from './gql.js';
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

/** What putting a fact right by a command is called on its button. */
export const wayName = command => (/^cancel/.test(command) ? 'takeBack' : 'putRight');

/** What a fact says, by the names of the inputs. Practitioners are by their id: `staff` of them is filled in by the form. */
function says({bed, keepsBed, flagKind, kind, ...content}) {
  const staff = {};
  for (const [name, value] of Object.entries(content)) if (/Id$/.test(name)) staff[name.slice(0, -2)] = value;
  return {...content, ...(bed?.room ? bed : {}), keepBed: keepsBed, kind, flagKind: flagKind ?? kind, staff};
}

/** The commands by which an entry is put right, each with its values; none of one that holds no longer. */
export function waysOf(entry) {
  if (entry.status === 'CORRECTED' || entry.status === 'CANCELLED') return [];
  const content = (typeof entry.content === 'string' ? JSON.parse(entry.content) : entry.content) ?? {};
  return (WAYS[entry.kind] ?? [])
    .map(([command, values]) => [command, values(entry, content)])
    .filter(([command, values]) => may(command) && Object.values(values).every(Boolean))
    .map(([command, values]) => [command, /^(correct|amend)/.test(command) ? {...says(content), occurredAt: entry.occurredAt, ...values} : values]);
}

/** The commands by which an act is put right that no stay tells of: of who is expected, of a person, of a bed. */
export async function waysAfter(command, values, {expectedArrival, allergy, patient}) {
  const {ward, room, patientMrn, mrnAuthority} = values;
  const both = (what, id) => [['correct' + what, {...values, ...id}], ['cancel' + what, id]].filter(([command]) => may(command));
  if (expectedArrival) return both('ExpectedArrival', {expectedArrivalId: expectedArrival.id});
  if (allergy) return both('Allergy', {allergyId: allergy.id, patientMrn, mrnAuthority});
  if (command === 'registerPatient' && may('correctPatientDetails')) return [['correctPatientDetails', {...values, patientMrn: patient?.mrn}]];
  const bedStateId = BEDS.test(command) && (values.bedStateId ?? (await stateOf(values)));
  return bedStateId ? both('BedState', {bedStateId, ward, room}) : [];
}

const BEDS = /^(closeBed|reopenBed|reserveBed|releaseReservation|startCleaning|finishCleaning)$/;

/** What keeps a bed from being free now, by its id. */
async function stateOf({ward, room, bed}) {
  const {roomOccupancy} = await ask('Beds');
  const those = roomOccupancy.find(each => each.room.ward === ward && each.room.number === room);
  return those?.beds.find(({code}) => code === bed)?.bedStateId;
}
