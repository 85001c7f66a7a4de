/** A stay: who, where and since when; its timeline by each reading; its drug chart; and what to do. */

import {classMap, html, nothing, repeat} from './vendor/lit.js';
import {Screen, act, address, go, nameOf, save, scroll} from './shell.js';
import {ask, askAll, live} from './gql.js';
import {may} from './session.js';
import {clockTimes, clocks, dayOfStay, dayTime, chartDay, hospital, isPast, localDay, short, time, weekday} from './time.js';
import {allergiesOf} from './find.js';
import {button, place} from './lists.js';
import {entryOf, wayName, waysOf} from './putright.js';
import {identity} from './refusal.js';
import {named, say, translate} from './words.js';

const READINGS = ['TRUTH', 'ALL', 'RECORD'];

class StayScreen extends Screen {
  static properties = {exposure: {state: true}};
  async read(signal) {
    const id = this.route.id;
    this.exposure = null;
    const sees = may('timeline');
    const {stay, position} = await ask('StayAlone', {id, ...clockTimes()}, signal);
    const [timeline, difference] = await Promise.all([
      sees ? askAll('Timeline', {stayId: id, read: this.reading, ...clockTimes()}, signal) : this.#readMovements(id, signal),
      sees && clocks.knownAt ? ask('StayDifference', {id, fromKnown: clocks.knownAt}, signal).catch(() => null) : null,
    ]);
    if (sees && !isPast())
      this.unfollow = live.follow('TimelineFollowing', {stayId: id}, position, 'timelineExtended', this.refreshSoon);
    else if (stay?.room && !isPast()) this.follow('BedsFollowing', stay.room.ward, position, 'roomOccupancyChanged', this.refreshSoon);
    const marks = timeline.filter(entry => entry.corrects || entry.cancels || entry.late).map(entry => entry.recordedAt);
    this.dispatchEvent(new CustomEvent('marks', {bubbles: true, detail: marks}));
    return {stay, timeline, facts: difference?.stayDifference?.facts ?? []};
  }

  /** The movements as a timeline, for who sees no findings. */
  async #readMovements(id, signal) {
    const {stay} = await ask('Movements', {id, ...clockTimes()}, signal);
    const isLate = ({occurredAt, recordedAt}) => Date.parse(recordedAt) - Date.parse(occurredAt) > hospital.lateAfterMinutes * 60e3;
    const entries = (stay?.movements ?? []).map(each => ({...entryOf(id, each), id: each.entry, recordedBy: each.recorder, late: isLate(each), summary: summaryOf(each)}));
    if (this.reading === 'RECORD') return entries.toSorted((a, b) => Date.parse(a.recordedAt) - Date.parse(b.recordedAt));
    return entries.filter(({status}) => this.reading === 'ALL' || status === 'TRUE');
  }

  get reading() {
    return READINGS.includes(this.route.own.read) ? this.route.own.read : 'TRUTH';
  }

  view() {
    const {stay, timeline, facts} = this.data;
    if (!stay) return html`<p class="quiet">${say('notThen')}</p>`;
    return html`${this.#head(stay)}${this.#acts(stay)}${strip(stay)}
      <div class="columns">
        <div>
          ${facts.length ? html`<section class="card learned"><h2>${say('learnedSince')}</h2><ul>${facts.map(entry => html`<li><b>${dayTime(entry.recordedAt)}</b> ${translate(entry.summary)} ${entry.reason ? html`<q>${entry.reason}</q>` : nothing}</li>`)}</ul></section>` : nothing}
          ${this.#timeline(stay, timeline)}${may('timeline') ? nothing : html`<p class="quiet">${say('clinicalHidden')}</p>`}
        </div>
        <div>${stay.prescriptions ? this.#chart(stay) : nothing}${stay.consults?.length ? this.#consults(stay) : nothing}</div>
      </div>`;
  }

  #head(stay) {
    const {patient} = stay;
    const today = localDay(clocks.asOf ?? new Date());
    return html`<header class="person">
      <h1>${patient ? html`<a href=${address('patient/' + patient.id)}>${nameOf(patient)}</a>` : nameOf(patient)}</h1>
      <p>${patient ? identity(patient, today) : nothing}
        ${stay.confidentiality === 'NORMAL' ? nothing : html`<i class="flag label">${named(stay.confidentiality)}</i>`}
        ${patient?.diedAt ? html`<i class="flag">† ${dayTime(patient.diedAt)}</i>` : nothing}</p>
      <dl class="facts">
        <div><dt>${say('place')}</dt><dd><span class="status ${stay.status}">${named(stay.status)}</span> ${stay.room ? html`<a href=${address('board', {ward: stay.room.ward})}>${stay.room.ward}</a> ${stay.room.number}-${stay.bed}` : (stay.withoutBed ?? '')}</dd></div>
        <div><dt>${named('STAY_ADMITTED')}</dt><dd>${dayTime(stay.admittedAt)} · ${named(stay.admissionType)}${stay.status === 'ADMITTED' || stay.status === 'ON_LEAVE' ? html` · ${say('dayN', {n: dayOfStay(stay.admittedAt, today)})}` : nothing}</dd></div>
        <div><dt>${named('attending')}</dt><dd>${stay.attending ? [stay.attending.familyName, stay.attending.givenName].filter(Boolean).join(', ') : '—'} · ${stay.specialty ?? '—'}</dd></div>
        ${stay.dischargedAt
          ? html`<div><dt>${named('STAY_DISCHARGED')}</dt><dd>${dayTime(stay.dischargedAt)} · ${named(stay.disposition ?? 'OTHER')} ${stay.destination ?? ''}</dd></div>`
          : html`<div><dt>${named('dischargePlan')}</dt><dd>${named(stay.dischargePlan)}${stay.expectedDischarge ? ` · ${dayTime(stay.expectedDischarge)}` : ''}</dd></div>`}
        ${stay.mother ? html`<div><dt>${say('mother')}</dt><dd><a href=${address('stay/' + stay.mother.id)}>${nameOf(stay.mother.patient)}</a></dd></div>` : nothing}
        ${stay.children?.length ? html`<div><dt>${say('children')}</dt><dd>${stay.children.map(child => html`<a href=${address('stay/' + child.id)}>${nameOf(child.patient)}</a> `)}</dd></div>` : nothing}
      </dl></header>
      ${patient?.allergies ? allergiesOf(patient) : nothing}${stay.flags ? this.#flags(stay) : nothing}`;
  }

  /** What is raised on the board, each with its note. */
  #flags(stay) {
    const context = {patient: stay.patient, stay};
    const isOpen = stay.status === 'ADMITTED' || stay.status === 'ON_LEAVE';
    const put = (command, flag, label) => button(command, {stayId: stay.id, flagId: flag.id, flagKind: flag.kind, note: flag.note, occurredAt: label === 'putRight' ? flag.since : null}, {...context, about: named(flag.kind)}, 'link noprint', label);
    if (!stay.flags.length && !(isOpen && may('raiseFlag'))) return nothing;
    return html`<section class="banner ${stay.flags.length ? 'raised' : ''}" aria-label=${say('flags')}><b>${say('flags')}</b>
      ${stay.flags.map(flag => html`<span><i class="flag raised">${named(flag.kind)}</i> ${flag.note ?? ''} <small>${say('since', {at: short(flag.since)})}</small> ${put('lowerFlag', flag, 'lower')}${put('correctFlag', flag, 'putRight')}</span>`)}
      ${stay.flags.length ? nothing : html`<span class="quiet">${say('none')}</span>`}
      ${isOpen ? button('raiseFlag', {stayId: stay.id}, context, 'link noprint') : nothing}</section>`;
  }

  #acts(stay) {
    const commands = [];
    if (stay.status === 'ADMITTED') commands.push([stay.bed ? 'transferPatient' : 'allocateRoom', 'm'], ['swapBeds', 's'], ['startLeave', 'l']);
    if (stay.status === 'ON_LEAVE') commands.push(['endLeave', 'l']);
    if (stay.status === 'ADMITTED' || stay.status === 'ON_LEAVE')
      commands.push(['recordVisit', 'v'], ['writePrescription', 'p'], ['planDischarge'], ['dischargePatient', 'x'], ['recordUnprescribedDose'], ['requestConsult'], ['requestBed'], ['changeAttending'], ['changeSpecialty'], ['changeAdmissionType']);
    if (stay.status === 'DISCHARGED') commands.push(['recordVisit', 'v'], ['writePrescription', 'p'], ['cancelDischarge']);
    if (stay.status !== 'CANCELLED') commands.push(['recordDeath'], ['recordEmergencyCare'], ['moveStay'], ['cancelAdmission']);
    const offered = commands.filter(([command]) => may(command));
    const context = {patient: stay.patient, stay};
    const button = ([command, letter]) => html`<button type="button" data-key=${letter ?? nothing} @click=${() => act(command, command === 'planDischarge' ? {stayId: stay.id, plan: stay.dischargePlan, expectedAt: stay.expectedDischarge} : {stayId: stay.id}, context)}>${named(command)}${letter ? html` <kbd aria-hidden="true">${letter}</kbd>` : nothing}</button>`;
    return html`<div class="acts noprint" role="group" aria-label=${say('group.acts')}>${offered.slice(0, 7).map(button)}
      ${offered.length > 7 ? html`<details class="moreacts"><summary>${say('moreActs')}</summary><div>${offered.slice(7).map(button)}</div></details>` : nothing}</div>`;
  }

  #timeline(stay, timeline) {
    const inOrder = this.reading === 'RECORD' ? timeline : timeline.toSorted((a, b) => Date.parse(a.occurredAt) - Date.parse(b.occurredAt));
    const entries = inOrder.toReversed(); // what happened last is asked for first
    let last = '';
    return html`<section class="card timeline"><header><h2>${say('timeline')}</h2>
        <div class="switch" role="group" aria-label=${say('reading.label')}>${READINGS.map(reading => html`<button type="button" aria-pressed=${reading === this.reading}
          @click=${() => go('stay/' + stay.id, {read: reading})}>${say('reading.' + reading)}</button>`)}</div>
        ${may('course') ? html`<button type="button" class="link noprint" @click=${() => this.#print(stay)}>${say('printCourse')}</button>` : nothing}</header>
      <ol>${repeat(entries, entry => entry.id, entry => {
        const moment = this.reading === 'RECORD' ? entry.recordedAt : entry.occurredAt;
        const newDay = localDay(moment) !== last;
        last = localDay(moment);
        return html`${newDay ? html`<li class="dayline"><h3>${weekday(moment)}</h3></li>` : nothing}${this.#entry(stay, entry, moment)}`;
      })}</ol></section>`;
  }

  #entry(stay, entry, moment) {
    const isDead = entry.status === 'CORRECTED' || entry.status === 'CANCELLED';
    const ways = waysOf(entry);
    const context = {patient: stay.patient, stay, about: `${dayTime(entry.occurredAt)}: ${translate(entry.summary)}`};
    return html`<li class=${classMap({entry: true, dead: isDead, late: entry.late})}>
      <time datetime=${moment}>${entry.occurredAtPrecision === 'DAY' ? '' : time(moment)}${entry.occurredAtPrecision === 'ESTIMATED' ? '~' : ''}</time>
      <div><span class="what">${isDead ? html`<s>${translate(entry.summary)}</s>` : translate(entry.summary)}</span>
        ${isDead ? html`<i class="flag">${named(entry.status)}</i>` : nothing}
        ${entry.late ? html`<i class="flag due" title=${say('lateBy', {at: dayTime(entry.recordedAt)})}>${say('late')}</i>` : nothing}
        ${entry.corrects || entry.cancels ? html`<i class="flag plan">${say(entry.corrects ? 'corrects' : 'cancels')}</i>` : nothing}
        <small>${this.reading === 'RECORD' ? say('happenedAt', {at: dayTime(entry.occurredAt)}) : say('recordedAt', {at: short(entry.recordedAt)})} · ${entry.performedBy ?? entry.recordedBy.subject}${entry.reason ? html` · <q>${entry.reason}</q>` : nothing}</small>
        ${isDead && entry.movementId && may('exposure') ? html`<button type="button" class="link noprint" @click=${() => this.#expose(entry)}>${say('decidedMeanwhile')}</button>` : nothing}
        ${this.exposure?.of === entry.id ? html`<div class="exposure">${this.exposure.decided.length ? html`<ul>${this.exposure.decided.map(each => html`<li>${dayTime(each.recordedAt)} · ${translate(each.summary)}</li>`)}</ul>` : say('nothingDecided')}</div>` : nothing}
      </div>
      <span class="ways noprint">${ways.map(([command, values]) => button(command, values, context, 'link', wayName(command)))}</span></li>`;
  }

  async #print(stay) {
    const {course} = await ask('Course', {stayId: stay.id, ...clockTimes()});
    if (course) save(course.fileName, course.mediaType, course.text);
  }

  async #expose(entry) {
    const {exposure} = await ask('Exposure', {movementId: entry.movementId});
    this.exposure = {of: entry.id, decided: exposure?.decided ?? []};
  }

  /** Prescriptions by days: each dose given, not given, or given late. */
  #chart(stay) {
    const end = new Date(stay.dischargedAt ?? clocks.asOf ?? Date.now());
    const doses = stay.prescriptions.flatMap(({administrations}) => administrations);
    const [first] = [stay.admittedAt, ...doses.map(dose => dose.occurredAt)].map(localDay).sort();
    const days = Array.from({length: 7}, (_, i) => localDay(end.getTime() - (6 - i) * 864e5)).filter(day => day >= first);
    const context = {patient: stay.patient, stay};
    const rows = stay.prescriptions.toSorted((a, b) => +isActive(b) - +isActive(a) || Date.parse(a.start) - Date.parse(b.start));
    return html`<section class="card chart"><h2>${say('drugChart')}</h2>
      ${rows.length ? html`${scroll(say('drugChart'), html`<table><thead><tr><th scope="col">${named('medication')}</th>${days.map(day => html`<th scope="col">${chartDay(day + 'T12:00Z')}</th>`)}</tr></thead>
        <tbody>${rows.map(prescription => this.#row(prescription, days, context))}</tbody></table>`)}` : html`<p class="quiet">${say('none')}</p>`}</section>`;
  }

  #row(prescription, days, context) {
    const id = {prescriptionId: prescription.id};
    const about = {...context, about: `${prescription.medication.name} ${prescription.dose ?? ''}`};
    const commands = {ACTIVE: ['recordAdministration', 'changePrescription', 'holdPrescription', 'stopPrescription'], HELD: ['resumePrescription', 'stopPrescription'], SCHEDULED: ['recordAdministration', 'stopPrescription']}[prescription.status] ?? [];
    if (prescription.status !== 'CANCELLED') commands.push('correctPrescription', 'cancelPrescription');
    const offered = commands.filter(may);
    const first = isActive(prescription) ? offered.shift() : null;
    const put = command => button(command, command === 'recordAdministration' ? {...id, given: 'true', doseGiven: prescription.dose} : id, about);
    return html`<tr class=${prescription.status}><th scope="row">${prescription.medication.name}
        <small>${[prescription.dose, prescription.route, howOften(prescription)].filter(Boolean).join(' · ')} ${prescription.status === 'ACTIVE' ? nothing : html`<i class="flag">${named(prescription.status)}</i>`}</small>
        <span class="noprint">${first ? put(first) : nothing}${offered.length ? html`<details><summary aria-label=${`${say('moreActs')}: ${about.about}`}>…</summary>${offered.map(put)}</details>` : nothing}</span></th>
      ${days.map(day => html`<td>${prescription.administrations.filter(dose => localDay(dose.occurredAt) === day).map(dose => html`<span class="dose ${dose.given ? 'given' : 'notgiven'}"
        title=${`${dose.given ? (dose.doseGiven ?? say('given')) : (dose.reasonNotGiven ?? say('notGiven'))}`}>${time(dose.occurredAt)} ${dose.given ? '✓' : '✗'}</span>`)}</td>`)}</tr>`;
  }

  #consults(stay) {
    return html`<section class="card"><h2>${say('consults')}</h2><ul>${stay.consults.map(consult => html`<li>${named(consult.status)} · ${consult.specialty ?? consult.practitioner?.familyName ?? ''} · ${short(consult.requestedAt)} ${consult.question ? html`<q>${consult.question}</q>` : nothing}
      ${consult.status === 'OPEN' ? button('recordVisit', {stayId: stay.id, kind: 'CONSULT', consultId: consult.id}, {patient: stay.patient, stay, about: consult.question}, 'link', 'answer') : nothing}</li>`)}</ul></section>`;
  }
}

const isActive = ({status}) => status === 'ACTIVE' || status === 'HELD' || status === 'SCHEDULED';

/** How often a medicine is given, in words or by its schedule. */
export function howOften({frequency, schedule}) {
  if (frequency || !schedule) return frequency;
  const {timesOfDay, everyHours, asNeeded} = schedule;
  return asNeeded ? named('asNeeded') : everyHours ? say('everyHours', {n: everyHours}) : (timesOfDay ?? []).map(each => each.slice(0, 5)).join(', ');
}

/** A movement in words. */
const summaryOf = ({kind, attending, specialty, admissionType, plan, expectedAt, expectedReturn, disposition, destination, ...more}) =>
  [named(kind), place(/** @type {any} */ (more)), attending?.familyName, specialty, ...[admissionType, plan, disposition].filter(Boolean).map(named), destination, expectedAt && short(expectedAt), expectedReturn && say('backAt', {at: short(expectedReturn)})].filter(Boolean).join(' · ');

/** The places of a stay over time, as a strip. */
function strip(stay) {
  const places = stay.movements
    .filter(({kind, status}) => status === 'TRUE' && /ADMITTED|TRANSFERRED|ALLOCATED|SWAPPED|LEAVE/.test(kind))
    .toSorted((a, b) => Date.parse(a.occurredAt) - Date.parse(b.occurredAt));
  if (!places.length) return nothing;
  const end = Date.parse(stay.dischargedAt ?? clocks.asOf ?? new Date());
  const lasting = places.filter(({occurredAt}, i) => i + 1 === places.length || Date.parse(places[i + 1].occurredAt) > Date.parse(occurredAt));
  const whole = Math.max(end - Date.parse(places[0].occurredAt), 1);
  let last = '';
  return html`<ol class="movements" aria-label=${say('movements')}>${lasting.map((movement, i) => {
    const until = i + 1 < lasting.length ? Date.parse(lasting[i + 1].occurredAt) : end;
    const share = Math.max((until - Date.parse(movement.occurredAt)) / whole, 0.02);
    const isLeave = movement.kind === 'STAY_LEAVE_STARTED';
    const place = isLeave ? named('ON_LEAVE') : movement.room ? `${movement.room.number}-${movement.bed} ${movement.room.ward}` : (movement.withoutBed ?? last);
    if (!isLeave) last = place;
    return html`<li class=${isLeave ? 'leave' : ''} .style=${`flex-grow:${Math.round(share * 1000)}`} title=${`${place}, ${dayTime(movement.occurredAt)}`}>
      <b>${place}</b><small>${short(movement.occurredAt)}</small></li>`;
  })}</ol>`;
}

customElements.define('wb-stay', StayScreen);
