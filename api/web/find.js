/** Finding and registering patients; one patient with all records and stays. */

import {html, nothing} from './vendor/lit.js';
import {Screen, act, address, go, nameOf} from './shell.js';
import {ask} from './gql.js';
import {button} from './lists.js';
import {may} from './session.js';
import {identity} from './refusal.js';
import {clockTimes, fullDay, isPast} from './time.js';
import {named, say} from './words.js';

const isOpen = ({status}) => status === 'ADMITTED' || status === 'ON_LEAVE';
const stayLine = stay => html`<a href=${address('stay/' + stay.id)}>
  <span class="status ${stay.status}">${named(stay.status)}</span>
  ${fullDay(stay.admittedAt)}${stay.dischargedAt ? ` – ${fullDay(stay.dischargedAt)}` : ''}${stay.room ? ` · ${stay.room.ward} ${stay.room.number}-${stay.bed}` : ''}</a>`;

/** The allergies of a person, where nobody overlooks them; that none is recorded is said, too. */
export function allergiesOf(patient) {
  const of = {patientMrn: patient.mrn, mrnAuthority: patient.mrnAuthority};
  const put = (command, allergy, label) => button(command, allergy ? {...of, allergyId: allergy.id, ...(label === 'putRight' ? {...allergy, occurredAt: allergy.since} : {})} : of, {patient, about: allergy?.substance.name}, 'link noprint', label);
  return html`<section class="banner ${patient.allergies.length ? 'warn' : ''}" aria-label=${say('allergies')}><b>${say('allergies')}</b>
    ${patient.allergies.map(allergy => html`<span><strong>${allergy.substance.name}</strong> ${[allergy.severity, allergy.kind === 'INTOLERANCE' ? allergy.kind : null, allergy.verification].filter(Boolean).map(named).join(' · ')} ${allergy.reaction ? html`<q>${allergy.reaction}</q>` : nothing} ${put('endAllergy', allergy, 'endIt')}${put('correctAllergy', allergy, 'putRight')}</span>`)}
    ${patient.allergies.length ? nothing : html`<span class="quiet">${say('noAllergy')}</span>`}${button('recordAllergy', of, {patient}, 'link noprint')}</section>`;
}

class Find extends Screen {
  async read(signal) {
    const search = this.route.own.q ?? '';
    if (!search) return {nodes: []};
    return (await ask('Patients', {search, ...clockTimes()}, signal)).patients;
  }

  updated(changed) {
    super.updated(changed);
    if (!this.hasFocused && this.querySelector('#q')) {
      this.hasFocused = true;
      this.querySelector('#q').focus();
    }
  }

  #look(event) {
    const text = event.target.value.trim();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => go('find', {q: text}), 200);
  }

  view() {
    const {nodes, pageInfo} = this.data;
    const search = this.route.own.q;
    return html`<h1>${say('find')}</h1>
      <form role="search" @submit=${event => event.preventDefault()}>
        <label for="q">${say('find.label')}</label>
        <input id="q" type="search" autocomplete="off" .value=${search ?? ''} @input=${this.#look}>
        ${may('registerPatient') ? html`<button type="button" @click=${() => act('registerPatient', guess(search))}>${named('registerPatient')}</button>` : nothing}
      </form>
      ${search ? html`<p role="status" class="quiet">${say(pageInfo?.hasNextPage ? 'find.many' : 'find.found', {n: nodes.length})}</p>` : html`<p class="quiet">${say('find.help')}</p>`}
      <ul class="people">${nodes.map(patient => this.#person(patient))}</ul>`;
  }

  #person(patient) {
    const open = patient.stays.find(isOpen);
    return html`<li class="card">
      <h2><a href=${address('patient/' + patient.id)}>${nameOf(patient)}</a>
        ${patient.confidentiality === 'NORMAL' ? nothing : html`<i class="flag label">${named(patient.confidentiality)}</i>`}
        ${patient.diedAt ? html`<i class="flag">† ${fullDay(patient.diedAt)}</i>` : nothing}</h2>
      <p>${identity(patient)}
        ${patient.mergedInto ? html` · ${say('mergedInto')} <a href=${address('patient/' + patient.mergedInto.id)}>${patient.mergedInto.mrn}</a>` : nothing}</p>
      ${open ? html`<p>${stayLine(open)}</p>` : nothing}
      ${open || patient.diedAt ? nothing : button('admitPatient', {patientMrn: patient.mrn}, {patient}, '')}
    </li>`;
  }
}

/** What was looked for, as the beginning of a registration. */
function guess(text = '') {
  if (/\d/.test(text)) return {mrn: text};
  const [familyName, ...given] = text.split(/[ ,]+/);
  return {familyName, givenName: given.join(' ')};
}

class PatientScreen extends Screen {
  async read(signal) {
    return (await ask('PatientRecord', {id: this.route.id, ...clockTimes()}, signal)).patient;
  }

  view() {
    const patient = this.data;
    if (!patient) return html`<p class="quiet">${say('notThen')}</p>`;
    const values = {patientMrn: patient.mrn, mrnAuthority: patient.mrnAuthority};
    const {mrn, familyName, givenName, birthDate, sex, confidentiality} = patient;
    const context = {patient};
    const open = patient.stays.some(isOpen);
    const put = (command, more = {}) => button(command, {...values, ...more}, context, '');
    return html`<header class="person"><h1>${nameOf(patient)}</h1>
        <p>${identity(patient)}
          ${patient.diedAt ? html` · † ${fullDay(patient.diedAt)}` : nothing}</p></header>
      ${patient.allergies ? allergiesOf(patient) : nothing}
      <div class="acts">${may('admitPatient') && (isPast() || !(open || patient.diedAt)) ? html`<button type="button" data-key="a" @click=${() => act('admitPatient', values, context)}>${named('admitPatient')} <kbd aria-hidden="true">a</kbd></button>` : nothing}${put('planAdmission')}${put('correctPatientDetails', {mrn, familyName, givenName, birthDate, sex, confidentiality})}${put('mergePatients')}${put('recordDeath')}${patient.diedAt ? [put('correctDeath', {occurredAt: patient.diedAt}), put('cancelDeath')] : nothing}${put('breakGlass')}${['placeLegalHold', 'liftLegalHold', 'requestErasure', 'withdrawErasure', 'erasePatient'].map(each => put(each))}</div>
      <section class="card"><h2>${say('stays')}</h2>
        ${patient.stays.length ? html`<ul>${patient.stays.map(stay => html`<li>${stayLine(stay)} · ${named(stay.admissionType)} · ${stay.specialty ?? ''}</li>`)}</ul>` : html`<p class="quiet">${say('none')}</p>`}</section>
      ${patient.otherRecords?.length || patient.mergedInto
        ? html`<section class="card"><h2>${say('records')}</h2><ul>
            ${[...(patient.otherRecords ?? []), ...(patient.mergedInto ? [patient.mergedInto] : [])].map(other => html`<li><a href=${address('patient/' + other.id)}>${nameOf(other)}</a> ${other.mrn}</li>`)}
          </ul>${(patient.merges ?? []).map(merge => html`<p>${fullDay(merge.recordedAt)} · ${merge.recorder.subject} · ${merge.reason ?? ''}
            ${button('unmergePatients', {mergeId: merge.id}, context, '')}</p>`)}</section>`
        : nothing}`;
  }
}

customElements.define('wb-find', Find);
customElements.define('wb-patient', PatientScreen);
