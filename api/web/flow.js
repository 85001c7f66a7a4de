/** Arrivals and departures: the bed manager's day. Who waits, who is expected, who leaves, and whether the beds suffice. */

import {html, nothing} from './vendor/lit.js';
import {Screen, address, nameOf, scroll} from './shell.js';
import {ask, askAll} from './gql.js';
import {may} from './session.js';
import {age, clockTimes, clocks, date, isPast, localDay, short, time} from './time.js';
import {arrivalOf, readOpen} from './board.js';
import {button, place, section} from './lists.js';
import {columns} from './plot.js';
import {named, say} from './words.js';

const HURRY = ['STAT', 'ASAP', 'URGENT', 'ROUTINE'];
const by = field => (a, b) => Date.parse(a[field]) - Date.parse(b[field]);
const ALWAYS = ['beds', 'taken', 'free'];
const COUNTS = [...ALWAYS, 'toBeCleaned', 'closed', 'waiting'];

class Flow extends Screen {
  async read(signal) {
    const when = clockTimes();
    const [open, {roomOccupancy}, {houseTotals, position}, arrivals] = await Promise.all([
      readOpen(when, signal),
      ask('Board', when, signal),
      ask('HouseTotals', when, signal),
      askAll('Arrivals', when, signal),
    ]);
    if (!isPast()) this.follow('HouseFollowing', null, position, 'houseTotalsChanged', this.refreshSoon);
    return {open, rooms: roomOccupancy, totals: houseTotals, arrivals};
  }

  view() {
    const {open, rooms, totals, arrivals} = this.data;
    const today = localDay(clocks.asOf ?? new Date());
    const isDue = stay => stay.expectedDischarge && localDay(stay.expectedDischarge) <= today;
    const leaving = open.filter(isDue).toSorted(by('expectedDischarge'));
    const later = open.filter(stay => stay.expectedDischarge && !isDue(stay)).toSorted(by('expectedDischarge'));
    const came = open.filter(stay => localDay(stay.admittedAt) === today).toSorted(by('admittedAt'));
    const asks = new Set(arrivals.map(({stay}) => stay?.id));
    const unplaced = open.filter(stay => !stay.bed && stay.status === 'ADMITTED' && !asks.has(stay.id));
    const away = open.filter(({status}) => status === 'ON_LEAVE');
    const reserved = rooms.flatMap(({room, beds}) => beds.filter(bed => bed.reservationId).map(bed => ({room, bed})));
    const ofStatus = status => arrivals.filter(each => each.status === status).toSorted((a, b) => HURRY.indexOf(a.urgency) - HURRY.indexOf(b.urgency) || by('expectedAt')(a, b));
    const who = stay => html`<a href=${address('stay/' + stay.id)}><b>${nameOf(stay.patient)}</b></a> <small>${[place(stay), stay.specialty].filter(Boolean).join(' · ')}</small>`;
    const context = stay => ({patient: stay.patient, stay});
    const bedRequest = stay => button('requestBed', {stayId: stay.id}, context(stay));
    return html`<header class="headline"><h1>${say('flow')}</h1>${button('planAdmission', {}, {about: ''}, 'primary')}</header>
      ${this.#house(totals)}
      <div class="columns">
        <div>
          ${section(say('waiting'), ofStatus('REQUESTED'), each => this.#arrival(each))}
          ${section(say('expected'), ofStatus('PLANNED'), each => this.#arrival(each))}
          ${section(say('withoutBed'), unplaced, stay => html`${who(stay)} ${button('allocateRoom', {stayId: stay.id}, context(stay))}${bedRequest(stay)}`)}
          ${section(say('onLeave'), away, stay => html`${stay.expectedReturn ? html`<time>${short(stay.expectedReturn)}</time>` : nothing} ${who(stay)} ${button('endLeave', {stayId: stay.id}, context(stay))}`)}
          ${section(named('RESERVED'), reserved, ({room, bed}) => html`<b>${room.ward} ${room.number}-${bed.code}</b> <small>${bed.until ? say('until', {at: short(bed.until)}) : ''}</small> ${button('admitPatient', {ward: room.ward, room: room.number, bed: bed.code}, {about: `${room.ward} ${room.number}-${bed.code}`})}`)}
        </div><div>
          ${section(say('leavingToday'), leaving, stay => html`<time class=${stay.dischargePlan === 'CLEARED' ? 'cleared' : ''}>${short(stay.expectedDischarge)}</time> ${who(stay)} ${stay.dischargePlan === 'CLEARED' ? html`<i class="flag go">✓ ${named('CLEARED')}</i>` : nothing} ${button('dischargePatient', {stayId: stay.id}, context(stay))}`)}
          ${section(say('leavingLater'), later, stay => html`<time>${short(stay.expectedDischarge)}</time> ${who(stay)} ${button('planDischarge', {stayId: stay.id, plan: stay.dischargePlan, expectedAt: stay.expectedDischarge}, context(stay))}`)}
          ${section(say('cameToday'), came, stay => html`<time>${short(stay.admittedAt)}</time> ${who(stay)}`)}
        </div></div>`;
  }

  /** Beds by ward, and what comes and goes in the next hours; who should have left or come before is counted by itself. */
  #house({total, wards}) {
    let {free} = total;
    const rows = total.hours.map(({start, leaving, coming}) => {
      free += leaving - coming;
      return {label: time(start), leaving, coming, free};
    });
    const title = say('nextHours', {n: rows.length});
    const counts = COUNTS.filter(name => total[name] || ALWAYS.includes(name));
    return html`<div class="columns house">
      <section class="card"><h2>${say('bedsByWard')}</h2>${scroll(say('bedsByWard'), html`<table class="tight">
        <thead><tr><th scope="col">${named('ward')}</th>${counts.map(name => html`<th scope="col" class="number">${say('count.' + name)}</th>`)}</tr></thead>
        <tbody>${[total, ...wards].map(each => html`<tr class=${each.ward ? '' : 'sum'}><th scope="row">${each.ward ? html`<a href=${address('board', {ward: each.ward})}>${each.ward}</a>` : say('wholeHouse')}</th>
          ${counts.map(name => html`<td class="number ${each[name] ? '' : 'zero'}">${each[name]}</td>`)}</tr>`)}</tbody></table>`, 'tall')}</section>
      <section class="card"><h2>${title}</h2>
        <p>${total.overdueOut ? html`<i class="flag due">${say('overdueOut', {n: total.overdueOut})}</i> ` : nothing}${total.overdueIn ? html`<i class="flag due">${say('overdueIn', {n: total.overdueIn})}</i>` : nothing}</p>
        ${columns(rows.map(({label, leaving, coming}) => ({label, values: [coming, leaving]})), {title, names: [say('coming'), say('leaving')], line: {name: say('freeThen'), values: rows.map(({free}) => Math.max(free, 0))}})}
        <details><summary>${say('asTable')}</summary><table class="tight"><thead><tr><th scope="col">${say('hour')}</th>${['coming', 'leaving', 'freeThen'].map(name => html`<th scope="col" class="number">${say(name)}</th>`)}</tr></thead>
          <tbody>${rows.map(row => html`<tr><th scope="row">${row.label}</th>${['coming', 'leaving', 'free'].map(name => html`<td class="number ${row[name] ? '' : 'zero'}">${row[name]}</td>`)}</tr>`)}</tbody></table></details></section></div>`;
  }

  #arrival(each) {
    const {patient, stay, status} = each;
    const {person, name, path} = arrivalOf(each);
    const needs = [each.isolation ? 'isolation' : null, each.monitor ? 'monitor' : null].filter(Boolean).map(named);
    const context = {patient: patient ?? stay?.patient, stay, about: [name, each.ward].filter(Boolean).join(' → ')};
    const id = {expectedArrivalId: each.id};
    const own = {...id, ward: each.ward, specialty: each.specialty};
    const acts = status === 'REQUESTED'
      ? [button(stay?.bed ? 'transferPatient' : 'allocateRoom', {stayId: stay?.id, ward: each.ward}, context)]
      : patient
        ? [button('admitPatient', {...own, patientMrn: patient.mrn, admissionType: 'ELECTIVE'}, context)]
        : [button('registerPatient', {familyName: each.familyName, givenName: each.givenName, birthDate: each.birthDate, sex: each.sex}, {...context, arrival: own})];
    return html`<time>${short(each.expectedAt)}</time> ${each.urgency === 'ROUTINE' ? nothing : html`<i class="flag ${each.urgency === 'URGENT' ? 'due' : 'label'}">${named(each.urgency)}</i>`}
      ${path === 'flow' ? html`<b>${name}</b>` : html`<a href=${address(path)}><b>${name}</b></a>`}
      <small>${person.birthDate ? `${date(person.birthDate)} (${age(person.birthDate)}) ` : ''}${stay ? `${place(stay)} ` : ''}→ ${each.ward ?? say('anyWard')}${each.specialty ? ` · ${each.specialty}` : ''}${each.sex ? ` · ${named(each.sex)}` : ''}</small>
      ${needs.map(need => html`<i class="flag">${need}</i> `)}${each.note ? html`<q>${each.note}</q>` : nothing}
      <span class="does noprint">${acts}${button('correctExpectedArrival', {...each, ...id}, context, 'link', 'putRight')}${button('cancelExpectedArrival', id, context, 'link', 'callOff')}</span>`;
  }
}

customElements.define('wb-flow', Flow);
