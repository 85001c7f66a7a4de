/** What was refused, in the reader's language by its code and what it names; what to do, and the click that does it. */

import {html, nothing} from './vendor/lit.js';
import {address, nameOf} from './shell.js';
import {ask} from './gql.js';
import {may} from './session.js';
import {age, date, dayTime} from './time.js';
import {language, named, namedOr, say, says} from './words.js';

/** Codes whose text in words says all: what the server adds is read with the others only. */
const WHOLE = /^(BED_OCCUPIED|PATIENT_ALREADY_ADMITTED|PATIENT_DIED|IN_FUTURE|VERSION_CONFLICT|LIKELY_DUPLICATES|WARNINGS_UNCONFIRMED|SHARERS_UNPLACED|CONTRADICTS_LATER_FACTS|NOT_ALLOWED|COMMAND_ID_REUSED|NEEDED|UNCHANGED|OFFLINE)$/;

/** Codes of which what the server adds in English says no more to who reads another language. */
const TOLD = /^(NOT_FOUND|ALREADY_EXISTS|STAY_NOT_OPEN|REASON_NEEDED|ROOM_POLICY_BROKEN)$/;

/** A person's number, birth date and sex, so far as they are known. */
export const identity = ({mrn, birthDate, sex}, today) => [mrn, birthDate && `${date(birthDate)} (${age(birthDate, today)})`, sex && sex !== 'UNKNOWN' && named(sex)].filter(Boolean).join(' · ');
export const describe = person => `${nameOf(person)} · ${identity(person)}`;

/** Whom and where a command is about. */
export const aboutOf = ({patient, stay, about}) =>
  patient || about
    ? html`<p class="about">${patient ? html`<strong>${nameOf(patient)}</strong> ${identity(patient)}` : nothing}
        ${stay?.room ? html` · ${stay.room.ward} ${stay.room.number}-${stay.bed}` : nothing}
        ${patient?.allergies?.length ? html`<br><b class="warned">${say('allergies')}: ${patient.allergies.map(({substance}) => substance.name).join(', ')}</b>` : nothing}${about ? html`${patient ? html`<br>` : nothing}${about}` : nothing}</p>`
    : nothing;

const dayTimeOf = moment => (moment ? dayTime(moment) : '');
export const bedText = bed => bed?.replace(/^(.*)\/(.*)\/(.*)$/, '$1 $2-$3') ?? '';

/** Learn who is meant by the ids of a refusal, so far as one may see them. */
export async function learn(refusal) {
  const id = refusal.byStay ?? refusal.stayId;
  const [answer, ...people] = await Promise.all([
    id ? ask('WhoHas', {id}).catch(() => null) : null,
    ...(refusal.candidates ?? []).map(id => ask('Person', {id}).catch(() => null)),
  ]);
  return {...refusal, who: answer?.stay, people: people.map(answer => answer?.patient).filter(Boolean)};
}

/** The refusal, with `ways`: what is offered instead, each a text and what it does. */
export function refusalOf(refusal, ways, close) {
  const {code, message, facts = [], warnings = [], byStay, stayId, who, people = []} = refusal;
  const values = {...refusal, bed: bedText(refusal.bed), who: who?.patient ? nameOf(who.patient) : say('somebody'), at: dayTimeOf(refusal.diedAt ?? refusal.endedAt ?? refusal.now), what: warnings.map(named).join(', '), policy: named(refusal.policy ?? ''), field: named(refusal.field ?? '')};
  const problem = namedOr('problem.' + refusal.problem, ''); // English reads it in the message
  const text = says('refused.' + code) ? say('refused.' + code, values) : named(code);
  return html`<div class="refusal" role="alert" tabindex="-1">
    <strong>${text}</strong> ${problem ? html`<span title=${message}>${problem}</span>` : WHOLE.test(code) || !message || (language() !== 'en' && TOLD.test(code)) ? nothing : html`<span lang="en" class=${language() === 'en' ? '' : 'quiet'}>${message}</span>`}
    ${says('todo.' + code) ? html`<p>${say('todo.' + code)}</p>` : nothing}
    ${facts.length ? html`<ul>${facts.map(fact => html`<li>${named(fact.kind)} · ${dayTime(fact.occurredAt)}</li>`)}</ul>` : nothing}
    ${people.length ? html`<ul>${people.map(person => html`<li><a href=${address('patient/' + person.id)} @click=${close}>${describe(person)}</a></li>`)}</ul>` : nothing}
    <span class="ways">${byStay || stayId ? html`<a href=${address('stay/' + (byStay ?? stayId))} @click=${close}>${say(byStay ? 'whoHasIt' : 'openStay')}</a>` : nothing}
    ${ways.filter(([, right]) => !right || may(right)).map(([label, , does]) => html`<button type="button" @click=${does}>${label}</button>`)}</span>
  </div>`;
}
