/** A ward's round with medication: what is overdue, due and due later; and what has no times, with its last dose. */

import {html, nothing} from './vendor/lit.js';
import {Screen, address, nameOf, wardChoice} from './shell.js';
import {ask} from './gql.js';
import {clockTimes, isPast, short} from './time.js';
import {button, place} from './lists.js';
import {howOften} from './stay.js';
import {named, say} from './words.js';

const STATUSES = ['OVERDUE', 'DUE', 'UPCOMING'];
const byPlace = (a, b) => place(a).localeCompare(place(b), 'en', {numeric: true});

class Doses extends Screen {
  async read(signal) {
    const ward = this.route.own.ward || null;
    const [{stays}, due] = await Promise.all([
      ask('Doses', {ward, ...clockTimes()}, signal),
      ward ? ask('DosesDue', {ward, ...clockTimes()}, signal) : null,
    ]);
    if (!isPast() && ward) this.follow('DosesFollowing', ward, due.position, 'dosesDueChanged', this.refreshSoon);
    return {...stays, due: due?.dosesDue ?? []};
  }

  view() {
    const {nodes, due, pageInfo} = this.data;
    const ward = this.route.own.ward;
    return html`<header class="headline"><h1>${say('doses')}</h1>${wardChoice(this.route, this.wards)}</header>
      ${ward ? nothing : html`<p class="quiet">${say(pageInfo.hasNextPage ? 'doses.choose' : 'doses.ward')}</p>`}
      ${ward ? html`<div class="columns thirds">${STATUSES.map(status => this.#due(status, due.filter(each => each.status === status)))}</div>` : nothing}
      ${this.#others(nodes.map(stay => ({...stay, prescriptions: (stay.prescriptions ?? []).filter(({schedule}) => !ward || !schedule || schedule.asNeeded)})).filter(({prescriptions}) => prescriptions.length))}`;
  }

  /** The doses of one status by patient; the times of one medicine stand together. */
  #due(status, doses) {
    const found = new Map();
    for (const {prescription, stay, dueAt} of doses) {
      if (!found.has(prescription.id)) found.set(prescription.id, {prescription, stay, times: []});
      found.get(prescription.id).times.push(dueAt);
    }
    const rows = [...found.values()].sort((a, b) => a.times[0].localeCompare(b.times[0]) || byPlace(a.stay, b.stay));
    return html`<section class="card due-${status} ${rows.length ? '' : 'empty'}"><h2>${named(status)} <span class="of">${doses.length}</span></h2>
      <ul class="lines">${rows.map(({prescription, stay, times}) => html`<li><b class="times">${times.map(short).join(' · ')}</b>
        <span class="dose-of"><a href=${address('stay/' + stay.id)}>${nameOf(stay.patient)}</a> <small>${stay.room ? `${stay.room.number}-${stay.bed}` : place(stay)}</small><br><b>${prescription.medication.name} ${prescription.dose ?? ''}</b> <small>${prescription.route ?? ''}</small></span>
        ${this.#give(prescription, stay)}</li>`)}</ul></section>`;
  }

  #give(prescription, stay) {
    const context = {patient: stay.patient, stay, about: `${prescription.medication.name} ${prescription.dose ?? ''}`};
    const id = {prescriptionId: prescription.id};
    return html`<span class="does noprint">${button('recordAdministration', {...id, given: 'true', doseGiven: prescription.dose}, context)}${button('recordAdministration', {...id, given: 'false'}, context, 'link', 'giveNot')}</span>`;
  }

  #others(stays) {
    const last = prescription => prescription.administrations.toSorted((a, b) => a.occurredAt.localeCompare(b.occurredAt)).at(-1);
    if (!stays.length) return nothing;
    return html`<h2>${say(this.route.own.ward ? 'doses.others' : 'doses.help')}</h2>
      <div class="wards">${stays.toSorted(byPlace).map(stay => html`<section class="card"><h3><a href=${address('stay/' + stay.id)}>${nameOf(stay.patient)}</a> <span class="of">${place(stay)}</span></h3>
        <ul class="lines">${stay.prescriptions.map(prescription => {
          const dose = last(prescription);
          return html`<li><span class="dose-of"><b>${prescription.medication.name} ${prescription.dose ?? ''}</b> <small>${[prescription.route, howOften(prescription)].filter(Boolean).join(' · ')}</small><br>
            ${dose ? html`<small class=${dose.given ? 'given' : 'notgiven'}>${dose.given ? '✓' : '✗'} ${short(dose.occurredAt)}</small>` : html`<small>${say('noDose')}</small>`}</span>
            ${this.#give(prescription, stay)}</li>`;
        })}</ul></section>`)}</div>`;
  }
}

customElements.define('wb-doses', Doses);
