/** How a recorded fact is put right or taken back: by the kind of its timeline entry. */

import {may} from './session.js';

const movement = entry => ({movementId: entry.movementId});
const MOVEMENTS = ['STAY_EMERGENCY_CARE_RECORDED', 'STAY_ROOM_ALLOCATED', 'STAY_TRANSFERRED', 'STAY_BED_SWAPPED', 'STAY_LEAVE_STARTED', 'STAY_LEAVE_ENDED', 'STAY_ATTENDING_CHANGED', 'STAY_SPECIALTY_CHANGED', 'STAY_DISCHARGE_PLANNED'];
const of = field => (entry, data) => ({[field]: data[field.slice(0, -2)]});
const ofFlag = (entry, data) => ({stayId: entry.stayId, flagId: data.flag});

const WAYS = {
  STAY_ADMITTED: [['correctMovement', movement], ['cancelAdmission', entry => ({stayId: entry.stayId})]],
  STAY_DISCHARGED: [['correctMovement', movement], ['cancelDischarge', entry => ({stayId: entry.stayId})]],
  STAY_VISIT_RECORDED: [['amendVisit', of('visitId')], ['cancelVisit', of('visitId')]],
  STAY_CONSULT_REQUESTED: [['correctConsult', of('consultId')], ['cancelConsult', of('consultId')]],
  STAY_CONSULT_WITHDRAWN: [['correctConsultWithdrawal', of('consultId')], ['cancelConsultWithdrawal', of('consultId')]],
  STAY_FLAG_RAISED: [['correctFlag', ofFlag], ['cancelFlag', ofFlag]],
  STAY_FLAG_LOWERED: [['correctFlagLowering', ofFlag], ['cancelFlagLowering', ofFlag]],
  PRESCRIPTION_CHANGED: [['correctPrescriptionChange', of('changeId')], ['cancelPrescriptionChange', of('changeId')]],
  PRESCRIPTION_HELD: [['correctPrescriptionChange', of('changeId')], ['cancelPrescriptionChange', of('changeId')]],
  PRESCRIPTION_RESUMED: [['correctPrescriptionChange', of('changeId')], ['cancelPrescriptionChange', of('changeId')]],
  PRESCRIPTION_STOPPED: [['correctPrescriptionChange', of('changeId')], ['cancelPrescriptionChange', of('changeId')]],
  PRESCRIPTION_COMPLETED: [['correctPrescriptionChange', of('changeId')], ['cancelPrescriptionChange', of('changeId')]],
  PRESCRIPTION_ADMINISTRATION_RECORDED: [['correctAdministration', of('administrationId')], ['cancelAdministration', of('administrationId')]],
  PRESCRIPTION_UNPRESCRIBED_GIVEN: [['correctAdministration', of('administrationId')], ['cancelAdministration', of('administrationId')]],
  PRESCRIPTION_INFUSION_ENDED: [['correctInfusionEnd', of('administrationId')], ['cancelInfusionEnd', of('administrationId')]],
  PATIENT_DIED: [['correctDeath', entry => ({stayId: entry.stayId})], ['cancelDeath', entry => ({stayId: entry.stayId})]],
};
for (const kind of MOVEMENTS) WAYS[kind] = [['correctMovement', movement], ['cancelMovement', movement]];

/** The commands by which an entry is put right, each with its values; none of one that holds no longer. */
export function waysOf(entry) {
  if (entry.status === 'CORRECTED' || entry.status === 'CANCELLED') return [];
  const data = typeof entry.data === 'string' ? JSON.parse(entry.data) : (entry.data ?? {});
  return (WAYS[entry.kind] ?? [])
    .map(([command, values]) => [command, {occurredAt: /^(correct|amend)/.test(command) ? entry.occurredAt : null, ...values(entry, data)}])
    .filter(([command, values]) => may(command) && Object.entries(values).every(([name, value]) => name === 'occurredAt' || value));
}
