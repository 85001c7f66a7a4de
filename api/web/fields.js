/** The fields of commands: which come first, how each is entered, and how it is sent. */

import {forms} from './forms.js';
import {moment} from './time.js';

export const BED = '@bed';

/** The first fields of the forms that are used most; the others are under "more". */
export const FIRST = {
  registerPatient: ['mrn', 'familyName', 'givenName', 'birthDate', 'sex'],
  admitPatient: ['patientMrn', 'admissionType', BED, 'withoutBed', 'specialty', 'attending'],
  allocateRoom: [BED],
  transferPatient: [BED, 'withoutBed'],
  startLeave: ['keepBed', 'expectedReturn'],
  endLeave: [BED, 'withoutBed'],
  planDischarge: ['plan', 'expectedAt'],
  dischargePatient: ['disposition', 'destination'],
  recordVisit: ['practitioner', 'kind', 'note'],
  requestConsult: ['specialty', 'practitioner', 'question'],
  writePrescription: ['medication', 'dose', 'route', 'schedule', 'frequency', 'start', 'stop', 'prescriber'],
  recordAdministration: ['given', 'doseGiven', 'reasonNotGiven'],
  recordUnprescribedDose: ['medication', 'doseGiven', 'route', 'basis', 'orderedBy'],
  reserveBed: [BED, 'from', 'until', 'patientMrn'],
  closeBed: [BED, 'from', 'until', 'reason'],
  correctMovement: [BED, 'withoutBed', 'attending', 'specialty', 'reason'],
  cancelAdmission: ['because', 'voidClinicalFacts', 'reason'],
  cancelDischarge: ['because', BED, 'withoutBed', 'reason'],
  cancelMovement: ['because', 'reason'],
  planAdmission: ['expectedAt', 'urgency', 'patientMrn', 'familyName', 'givenName', 'birthDate', 'ward', 'specialty', 'sex', 'isolation', 'monitor', 'note'],
  requestBed: ['ward', 'urgency', 'expectedAt', 'specialty', 'sex', 'isolation', 'monitor', 'note'],
  recordAllergy: ['substance', 'kind', 'severity', 'reaction', 'verification'],
  raiseFlag: ['flagKind', 'note'],
  issueReport: ['name', 'period', 'ward', 'reason'],
};
/** What several facts that are put right together call what these commands record. */
export const ENTRIES = {admitPatient: 'ADMISSION', transferPatient: 'TRANSFER', startLeave: 'START_LEAVE', endLeave: 'END_LEAVE', dischargePatient: 'DISCHARGE'};
export const WARNED = 'confirmedWarnings';
export const IDENTITY = ['familyName', 'givenName', 'birthDate', 'sex'];
export const PICKS_BED = new Set([...Object.keys(FIRST).filter(name => FIRST[name].includes(BED)), 'startCleaning', 'finishCleaning', 'reopenBed']);
export const NEEDS_FREE_BED = new Set(['admitPatient', 'allocateRoom', 'transferPatient', 'endLeave', 'reserveBed', 'closeBed', 'cancelDischarge', 'correctMovement']);
export const STAFF = new Set(['attending', 'practitioner', 'prescriber', 'orderedBy', 'requestedBy', 'performedBy', 'witnessedBy', 'staffNumber']);
export const STAYS = new Set(['stayId', 'withStayId', 'sharesBedOf']);
export const LONG = new Set(['note', 'question', 'reason']);
export const SHORT = new Set(['dose', 'route', 'frequency', 'start', 'stop', 'from', 'until', 'familyName', 'givenName', 'birthDate', 'sex', 'doseGiven', 'specialty', 'attending', 'plan', 'expectedAt', 'disposition', 'destination', 'kind', 'practitioner', 'urgency', 'ward', 'isolation', 'monitor', 'severity', 'verification', 'flagKind']);
export const COMMON_MORE = ['performedBy', 'witnessedBy', 'occurredAtPrecision', 'reason'];

export const keepsTime = command => /^(correct|amend)/.test(command);
export const keepsReason = command => /^(correct|amend|cancel|breakGlass|closeBed|merge|unmerge|move|restate|placeLegal|liftLegal|requestErasure|withdrawErasure)/.test(command);

/** A value as the schema has it; undefined where nothing was entered. */
export function convert(field, value) {
  if (value === '' || value == null) return undefined;
  if (forms.inputs[field.type]) {
    const inner = new Map(forms.inputs[field.type].map(each => [each.name, each]));
    const one = row => {
      const made = {};
      for (const [name, entered] of Object.entries(row)) {
        const converted = convert(inner.get(name), entered);
        if (converted !== undefined) made[name] = converted;
      }
      return made;
    };
    if (field.list) return value.length ? value.map(one) : undefined;
    const made = one(value);
    return Object.keys(made).length ? made : undefined;
  }
  if (field.list) return Array.isArray(value) ? value : value.split(',').map(part => part.trim()).filter(Boolean);
  if (field.type === 'Boolean') return value === true || value === 'true';
  if (field.type === 'Int') return Number(value);
  if (field.type === 'DateTime') return moment(value);
  if (field.type === 'Time') return value.length === 5 ? value + ':00' : value;
  return value.trim?.() ?? value;
}

/** The shown field that a refusal is about. */
export function fieldOf(refusal, isShown, picksBed) {
  if (!refusal) return null;
  if (refusal.code === 'REASON_NEEDED') return 'reason';
  if (refusal.code === 'STAY_NOT_OPEN') return 'occurredAt';
  for (const name of refusal.path.filter(part => part !== 'input').toReversed()) {
    if (picksBed && ['ward', 'room', 'bed'].includes(name)) return BED;
    if (isShown(name)) return name;
  }
  return null;
}

/** Whom a text that was looked for names: by a number, or by a name. */
export function asPerson(text) {
  if (/^[^,]*\d[^,]*$/.test(text)) return {mrn: text};
  const [familyName, givenName] = text.split(/\s*,\s*/);
  return {familyName, givenName};
}
