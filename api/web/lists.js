/** Screens that are lists: the bed manager's day, what waits to be put right, who read what, all commands. */

import {html, nothing} from './vendor/lit.js';
import {Screen, act, address, go, nameOf, wardChoice} from './shell.js';
import {forms} from './forms.js';
import {ask} from './gql.js';
import {may} from './session.js';
import {asked, clocks, dayTime, localDay, short} from './time.js';
import {readOpen} from './board.js';
import {named, say} from './words.js';

const place = ({room, bed, withoutBed}) => (room ? `${room.ward} ${room.number}-${bed}` : (withoutBed ?? ''));
const button = (command, values, context) => (may(command) ? html`<button type="button" class="link" aria-label=${`${named(command)}: ${context.about ?? nameOf(context.patient)}`} @click=${() => act(command, values, context)}>${named(command)}</button> ` : nothing);

const section = (title, rows, line) => html`<section class="card"><h2>${title} <span class="of">${rows.length}</span></h2>
  ${rows.length ? html`<ul class="lines">${rows.map(row => html`<li>${line(row)}</li>`)}</ul>` : html`<p class="quiet">${say('none')}</p>`}</section>`;

/** Arrivals and departures: the bed manager's day. */
class Flow extends Screen {
  async read(signal) {
    const [open, {roomOccupancy}] = await Promise.all([readOpen({ward: null, ...asked()}, signal), ask('Board', asked(), signal)]);
    return {open, rooms: roomOccupancy};
  }

  view() {
    const {open, rooms} = this.data;
    const today = localDay(clocks.asOf ?? new Date());
    const by = field => (a, b) => Date.parse(a[field]) - Date.parse(b[field]);
    const isDue = stay => stay.expectedDischarge && localDay(stay.expectedDischarge) <= today;
    const leaving = open.filter(isDue).toSorted(by('expectedDischarge'));
    const later = open.filter(stay => stay.expectedDischarge && !isDue(stay)).toSorted(by('expectedDischarge'));
    const came = open.filter(stay => localDay(stay.admittedAt) === today).toSorted(by('admittedAt'));
    const unplaced = open.filter(stay => !stay.bed && stay.status === 'ADMITTED');
    const away = open.filter(({status}) => status === 'ON_LEAVE');
    const reserved = rooms.flatMap(({room, beds}) => beds.filter(bed => bed.reservationId).map(bed => ({room, bed})));
    const who = stay => html`<a href=${address('stay/' + stay.id)}><b>${nameOf(stay.patient)}</b></a> <small>${place(stay)} · ${stay.specialty ?? ''}</small>`;
    const context = stay => ({patient: stay.patient, stay});
    return html`<h1>${say('flow')}</h1><div class="columns">
      <div>
        ${section(say('leavingToday'), leaving, stay => html`<time class=${stay.dischargePlan === 'CLEARED' ? 'cleared' : ''}>${short(stay.expectedDischarge)}</time> ${who(stay)} <i class="flag ${stay.dischargePlan === 'CLEARED' ? 'due' : ''}">${named(stay.dischargePlan)}</i> ${button('dischargePatient', {stayId: stay.id}, context(stay))}`)}
        ${section(say('leavingLater'), later, stay => html`<time>${short(stay.expectedDischarge)}</time> ${who(stay)} ${button('planDischarge', {stayId: stay.id, plan: stay.dischargePlan, expectedAt: stay.expectedDischarge}, context(stay))}`)}
      </div><div>
        ${section(say('cameToday'), came, stay => html`<time>${short(stay.admittedAt)}</time> ${who(stay)}`)}
        ${section(say('withoutBed'), unplaced, stay => html`${who(stay)} ${button('allocateRoom', {stayId: stay.id}, context(stay))}`)}
        ${section(say('onLeave'), away, stay => html`${stay.expectedReturn ? html`<time>${short(stay.expectedReturn)}</time>` : nothing} ${who(stay)} ${button('endLeave', {stayId: stay.id}, context(stay))}`)}
        ${section(named('RESERVED'), reserved, ({room, bed}) => html`<b>${room.ward} ${room.number}-${bed.code}</b> <small>${bed.until ? say('until', {at: short(bed.until)}) : ''}</small> ${button('admitPatient', {ward: room.ward, room: room.number, bed: bed.code}, {about: `${room.ward} ${room.number}-${bed.code}`})}`)}
      </div></div>`;
  }
}

/** What waits to be put right: reported movements that do not fit, deaths without a discharge, consults, parked commands. */
class Mend extends Screen {
  async read(signal) {
    const when = asked();
    const [pending, dead, consults, models] = await Promise.all([
      may('pending_movements') ? ask('Pending', when, signal) : /** @type {any} */ ({}),
      may('deceased') ? ask('Dead', when, signal) : /** @type {any} */ ({}),
      may('open_consults') ? ask('Consults', when, signal) : /** @type {any} */ ({}),
      may('projections') ? ask('Parked', {}, signal) : /** @type {any} */ ({}),
    ]);
    return {pending: pending.pendingMovements?.nodes ?? [], dead: dead.deceased ?? [], consults: consults.openConsults ?? [], models: models.projections ?? []};
  }

  view() {
    const {pending, dead, consults, models} = this.data;
    const parked = models.flatMap(({name, parkedCommands}) => parkedCommands.map(command => ({name, ...command})));
    return html`<h1>${say('mend')}</h1><p class="quiet">${say('mend.help')}</p><div class="columns">
      ${section(say('pending'), pending, each => html`<time>${short(each.occurredAt)}</time> <b>${each.kind ? named(each.kind) : ''}</b> ${nameOf(each.patient)} <small>${each.system} ${each.sourceId} · ${say('reportedAt', {at: short(each.reportedAt)})}</small><p>${each.why ?? ''}</p>
        ${each.stay ? html`<a href=${address('stay/' + each.stay.id)}>${say('openStay')}</a>` : nothing} ${button('correctFacts', {}, {patient: each.patient, about: each.why})}`)}
      ${section(say('dead'), dead, each => html`<b>${nameOf(each.patient)}</b> <small>† ${dayTime(each.diedAt)}</small>
        ${each.stays.map(stay => html`<a href=${address('stay/' + stay.id)}>${place(stay) || say('openStay')}</a> ${button('dischargePatient', {stayId: stay.id, disposition: 'DIED', occurredAt: each.diedAt}, {patient: each.patient, stay})}`)}`)}
      ${section(say('openConsults'), consults, each => html`<time>${short(each.requestedAt)}</time> <b>${each.specialty ?? ''}</b> ${each.stay ? html`<a href=${address('stay/' + each.stay.id)}>${nameOf(each.stay.patient)}</a> <small>${place(each.stay)}</small>` : nothing} <q>${each.question ?? ''}</q>`)}
      ${models.length ? section(say('parked'), parked, each => html`<b>${each.operation}</b> <small>${each.name}</small> ${each.error}`) : nothing}</div>`;
  }
}

/** Who read what of whom. */
class Access extends Screen {
  async read(signal) {
    const {mrn, subject, from, glass} = this.route.own;
    return (await ask('Accesses', {mrn: mrn || null, subject: subject || null, from: from || null, brokeGlass: glass ? true : null}, signal)).accesses;
  }

  view() {
    const own = this.route.own;
    const set = event => {
      event.preventDefault();
      go('access', Object.fromEntries(new FormData(event.target.form ?? event.target)));
    };
    return html`<h1>${say('access')}</h1>
      <form class="toolbar" role="search" @submit=${set}>
        <label>${named('mrn')}<input name="mrn" .value=${own.mrn ?? ''}></label>
        <label>${say('who')}<input name="subject" .value=${own.subject ?? ''}></label>
        <label><span><input type="checkbox" name="glass" value="1" .checked=${!!own.glass}> ${say('glassOnly')}</span></label>
        <button type="submit">${say('show')}</button>
        ${may('breakGlass') ? html`<button type="button" @click=${() => act('breakGlass', {patientMrn: own.mrn})}>${named('breakGlass')}</button>` : nothing}
      </form>
      <div class="card scroll" tabindex="0" role="region" aria-label=${say('access')}><table><thead><tr>${['when', 'who', 'what', 'patient', 'purpose', 'outcome'].map(name => html`<th scope="col">${say(name)}</th>`)}</tr></thead>
        <tbody>${this.data.nodes.map(each => html`<tr><td>${dayTime(each.at)}</td><td>${each.subject} <small>${named(each.role)}</small></td><td>${each.operation}</td>
          <td>${each.patient ? html`${nameOf(each.patient)} <small>${each.patient.mrn}</small>` : say('nPatients', {n: each.patientsShown ?? 0})}</td><td>${named(each.purpose)}</td><td>${named(each.outcome)} ${each.brokeGlass ? html`<i class="flag due">${named('breakGlass')}</i>` : nothing}</td></tr>`)}</tbody></table></div>`;
  }
}

/** Every command that the role may give. */
class Acts extends Screen {
  view() {
    const text = (this.route.own.q ?? '').toLowerCase();
    const found = Object.keys(forms.commands).filter(command => may(command) && (!text || `${named(command)} ${command}`.toLowerCase().includes(text)));
    return html`<h1>${say('acts')}</h1>
      <form role="search" @submit=${event => event.preventDefault()}><label for="q">${say('acts.filter')}</label><input id="q" type="search" .value=${this.route.own.q ?? ''} @input=${event => go('acts', {q: event.target.value})}></form>
      <ul class="commands">${found.map(command => html`<li><button type="button" @click=${() => act(command)}>${named(command)}</button></li>`)}</ul>`;
  }

  async read() {
    return null;
  }
}

/** A ward's round with medication: each active prescription with its last dose, what is longest ago first. */
class Doses extends Screen {
  async read(signal) {
    return (await ask('Doses', {ward: this.route.own.ward || null, ...asked()}, signal)).stays;
  }

  view() {
    const rows = this.data.nodes.filter(stay => stay.prescriptions?.length).toSorted((a, b) => place(a).localeCompare(place(b), 'en', {numeric: true}));
    const last = prescription => prescription.administrations.toSorted((a, b) => a.occurredAt.localeCompare(b.occurredAt)).at(-1);
    return html`<h1>${say('doses')}</h1>${wardChoice(this.route, this.wards)}<p class="quiet">${say(this.data.pageInfo.hasNextPage ? 'doses.choose' : 'doses.help')}</p>
      <div class="columns">${rows.map(stay => html`<section class="card"><h2><a href=${address('stay/' + stay.id)}>${nameOf(stay.patient)}</a> <span class="of">${place(stay)}</span></h2>
        <ul class="lines">${stay.prescriptions.map(prescription => {
          const dose = last(prescription);
          const what = `${prescription.medication.name} ${prescription.dose ?? ''}`;
          return html`<li class="prescribed"><b>${what}</b> <small>${[prescription.route, prescription.frequency].filter(Boolean).join(' · ')}</small>
            <span class="dose-line">${dose ? html`<span class=${dose.given ? 'given' : 'notgiven'}>${dose.given ? '✓' : '✗'} ${short(dose.occurredAt)}</span>` : html`<i class="flag due">${say('noDose')}</i>`}
            ${button('recordAdministration', {prescriptionId: prescription.id, given: 'true', doseGiven: prescription.dose}, {patient: stay.patient, stay, about: what})}</span></li>`;
        })}</ul></section>`)}</div>`;
  }
}

customElements.define('wb-doses', Doses);
customElements.define('wb-flow', Flow);
customElements.define('wb-mend', Mend);
customElements.define('wb-access', Access);
customElements.define('wb-acts', Acts);
