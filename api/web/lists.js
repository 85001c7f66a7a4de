/** Screens that are lists: what waits to be put right, who read what, all commands. */

import {html, nothing} from './vendor/lit.js';
import {Screen, act, address, go, nameOf} from './shell.js';
import {rights} from './forms.js';
import {ask, askAll} from './gql.js';
import {may} from './session.js';
import {wayName, waysOf} from './putright.js';
import {clockTimes, dayTime, short} from './time.js';
import {named, say, says, translate} from './words.js';

export const place = ({room, bed, withoutBed}) => (room ? `${room.ward} ${room.number}-${bed}` : (withoutBed ?? ''));

/** A command beside the thing that it is for, if the role may give it. */
export function button(command, values, context, kind = 'link', label = null) {
  if (!may(command)) return nothing;
  const about = context.about || (context.patient ? nameOf(context.patient) : '');
  const name = [label ? say(label) : null, named(command), about].filter(Boolean).join(': ');
  return html`<button type="button" class=${kind} aria-label=${name} @click=${() => act(command, values, context)}>${label ? say(label) : named(command)}</button> `;
}

/** A list with its title and number; that it is empty is said in its title, and what that means in `none`. */
export const section = (title, rows, line, none = '') => html`<section class="card ${rows.length ? '' : 'empty'}"><h2>${title} <span class="of">${rows.length}</span></h2>
  ${rows.length ? html`<ul class="lines">${rows.map(row => html`<li>${line(row)}</li>`)}</ul>` : none ? html`<p class="quiet">${none}</p>` : nothing}</section>`;

/** A list, if the role may see it. */
const seen = (title, rows, ...more) => (rows ? section(title, rows, ...more) : nothing);

/** What waits to be put right: reported movements that do not fit, deaths without a discharge, consults, parked commands. */
class Mend extends Screen {
  async read(signal) {
    const when = clockTimes();
    const [late, pending, dead, consults, models] = await Promise.all([
      may('late_entries') ? askAll('LateEntries', {knownAt: when.knownAt}, signal) : null,
      may('pending_movements') ? askAll('Pending', when, signal) : null,
      may('deceased') ? ask('Dead', when, signal) : /** @type {any} */ ({}),
      may('open_consults') ? ask('Consults', when, signal) : /** @type {any} */ ({}),
      may('projections') ? ask('Parked', {}, signal) : /** @type {any} */ ({}),
    ]);
    return {late, pending, dead: dead.deceased, consults: consults.openConsults, models: models.projections};
  }

  view() {
    const {late, pending, dead, consults, models} = this.data;
    const parked = models?.flatMap(({name, parkedCommands}) => parkedCommands.map(command => ({name, ...command})));
    return html`<h1>${say('mend')}</h1><p class="quiet">${say('mend.help')}</p><div class="columns mend">
      ${seen(say('pending'), pending, each => this.#pending(each), say('pending.none'))}
      ${seen(say('dead'), dead, each => html`<b>${nameOf(each.patient)}</b> <small>† ${dayTime(each.diedAt)}</small>
        ${each.stays.map(stay => html`<a href=${address('stay/' + stay.id)}>${place(stay) || say('openStay')}</a> ${button('dischargePatient', {stayId: stay.id, disposition: 'DIED', occurredAt: each.diedAt}, {patient: each.patient, stay})}`)}`)}
      ${seen(say('openConsults'), consults, each => html`<time>${short(each.requestedAt)}</time> <b>${each.specialty ?? ''}</b> ${each.stay ? html`<a href=${address('stay/' + each.stay.id)}>${nameOf(each.stay.patient)}</a> <small>${place(each.stay)}</small>` : nothing} <q>${each.question ?? ''}</q>
        ${each.stay ? html`<span class="does">${button('recordVisit', {stayId: each.stay.id, kind: 'CONSULT', consultId: each.id}, {patient: each.stay.patient, stay: each.stay, about: each.question}, 'link', 'answer')}</span>` : nothing}`)}
      ${seen(say('lateEntries'), late, ({entry, patient}) => html`<time>${short(entry.occurredAt)}</time> ${entry.stayId ? html`<a href=${address('stay/' + entry.stayId)}>${nameOf(patient)}</a>` : nameOf(patient)} ${translate(entry.summary)} <small>${say('recordedAt', {at: short(entry.recordedAt)})} · ${entry.performedBy ?? entry.recordedBy.subject}${entry.reason ? html` · <q>${entry.reason}</q>` : nothing}</small>
        <span class="does">${waysOf(entry).map(([command, values]) => button(command, values, {patient, about: `${short(entry.occurredAt)}: ${translate(entry.summary)}`}, 'link', wayName(command)))}</span>`)}
      ${seen(say('parked'), parked, each => html`<b>${each.operation}</b> <small>${each.name}</small> <span lang="en">${each.error}</span>
        <p>${say('parked.todo')} <code>wardbook projections retry ${each.name}</code></p>
        <span class="does"><button type="button" class="link" @click=${() => navigator.clipboard?.writeText(`wardbook projections retry ${each.name}`)}>${say('copy')}</button></span>`)}</div>`;
  }

  /** A movement that another system reports and that contradicts what is recorded: why, and what can be done. */
  #pending({occurredAt, kind, patient, stay, system, sourceId, reportedAt, why}) {
    const text = why ? (says('refused.' + why) ? say('refused.' + why, {who: say('somebody')}).replace(/ +(?=[.:])/g, '').replace(/^./, c => c.toUpperCase()) : named(why)) : '';
    const context = {patient, stay, about: [kind ? named(kind) : '', text].filter(Boolean).join(': ')};
    const acts = stay
      ? [html`<a href=${address('stay/' + stay.id)}>${say('openStay')}</a> `, button('correctFacts', {}, context)]
      : patient
        ? [button('admitPatient', {patientMrn: patient.mrn, occurredAt}, context)]
        : [button('registerPatient', {}, context)];
    return html`<time>${short(occurredAt)}</time> <b>${kind ? named(kind) : ''}</b> ${patient ? nameOf(patient) : nothing} <small>${system} ${sourceId} · ${say('reportedAt', {at: short(reportedAt)})}</small>
      <p>${text} ${says('todo.' + why) ? say('todo.' + why) : ''}</p><span class="does">${acts}</span>`;
  }
}

/** Who read what of whom: each access with all patients that it showed. */
class Access extends Screen {
  async read(signal, after = null) {
    const {mrn, subject, from, glass} = this.route.own;
    return (await ask('Accesses', {mrn: mrn || null, subject: subject || null, from: from || null, brokeGlass: glass ? true : null, after}, signal)).accesses;
  }

  async #more() {
    const {nodes, pageInfo} = await this.read(undefined, this.data.pageInfo.endCursor);
    this.data = {nodes: [...this.data.nodes, ...nodes], pageInfo};
  }

  view() {
    const own = this.route.own;
    const set = event => {
      event.preventDefault();
      go('access', Object.fromEntries(new FormData(event.target.form ?? event.target)));
    };
    const {nodes, pageInfo} = this.data;
    const accesses = Map.groupBy(nodes, ({at, subject, operation, outcome}) => `${at} ${subject} ${operation} ${outcome}`);
    return html`<h1>${say('access')}</h1>
      <form class="toolbar" role="search" @submit=${set}>
        <label>${named('mrn')}<input name="mrn" .value=${own.mrn ?? ''}></label>
        <label>${say('who')}<input name="subject" .value=${own.subject ?? ''}></label>
        <label><span><input type="checkbox" name="glass" value="1" .checked=${!!own.glass}> ${say('glassOnly')}</span></label>
        <button type="submit">${say('show')}</button>
        ${may('breakGlass') ? html`<button type="button" @click=${() => act('breakGlass', {patientMrn: own.mrn})}>${named('breakGlass')}</button>` : nothing}
      </form>
      <div class="card scroll" tabindex="0" role="region" aria-label=${say('access')}><table><thead><tr>${['when', 'who', 'what', 'patient', 'purpose', 'outcome'].map(name => html`<th scope="col">${say(name)}</th>`)}</tr></thead>
        <tbody>${[...accesses.values()].map(those => this.#access(those[0], those.filter(({patient}) => patient)))}</tbody></table></div>
      ${pageInfo.hasNextPage ? html`<button type="button" @click=${this.#more}>${say('moreActs')}</button>` : nothing}`;
  }

  #access({at, subject, role, operation, patientsShown, purpose, outcome, brokeGlass}, those) {
    const names = those.map(({patient}) => html`<div>${nameOf(patient)} <small>${patient.mrn}</small></div>`);
    const count = say('nPatients', {n: Math.max(those.length, patientsShown ?? 0)});
    return html`<tr><td>${dayTime(at)}</td><td>${subject} <small>${named(role)}</small></td><td>${operation.split(' ').map(named).join(', ')}</td>
      <td>${those.length > 1 ? html`<details><summary>${count}</summary>${names}</details>` : those.length ? names : patientsShown ? count : nothing}</td>
      <td>${named(purpose)}</td><td>${named(outcome)} ${brokeGlass ? html`<i class="flag due">${named('breakGlass')}</i>` : nothing}</td></tr>`;
  }
}

/** Every command that the role may give. */
class Acts extends Screen {
  view() {
    const text = (this.route.own.q ?? '').toLowerCase();
    const found = Object.keys(rights.commands).filter(command => may(command) && (!text || `${named(command)} ${command}`.toLowerCase().includes(text))).sort((a, b) => named(a).localeCompare(named(b)));
    return html`<h1>${say('acts')}</h1>
      <form role="search" @submit=${event => event.preventDefault()}><label for="q">${say('acts.filter')}</label><input id="q" type="search" .value=${this.route.own.q ?? ''} @input=${event => go('acts', {q: event.target.value})}></form>
      ${found.length ? html`<ul class="commands">${found.map(command => html`<li><button type="button" @click=${() => act(command)}>${named(command)}</button></li>`)}</ul>` : html`<p class="quiet">${say('explorer.none')}</p>`}`;
  }

  async read() {
    return null;
  }
}

customElements.define('wb-mend', Mend);
customElements.define('wb-access', Access);
customElements.define('wb-acts', Acts);
