/** The form of a command, made of its input type. Its command id is made when it opens: however often it
 * is sent, it has one effect. */

import {html, keyed, nothing, ref} from './vendor/lit.js';
import {Plain, address, nameOf, refresh, shell} from './shell.js';
import {forms} from './forms.js';
import {ask, give} from './gql.js';
import {may} from './session.js';
import {age, clocks, date, dayTime, hospital, moment, time, wall} from './time.js';
import {language, named, say} from './words.js';

const BED = '@bed';

/** The first fields of the forms that are used most; the others are under "more". */
const FIRST = {
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
  writePrescription: ['medication', 'dose', 'route', 'frequency', 'start', 'stop', 'prescriber'],
  recordAdministration: ['given', 'doseGiven', 'reasonNotGiven'],
  recordUnprescribedDose: ['medication', 'doseGiven', 'route', 'basis', 'orderedBy'],
  reserveBed: [BED, 'from', 'until', 'patientMrn'],
  closeBed: [BED, 'from', 'until', 'reason'],
  correctMovement: [BED, 'withoutBed', 'attending', 'specialty', 'reason'],
  cancelAdmission: ['because', 'voidClinicalFacts', 'reason'],
  cancelDischarge: ['because', BED, 'withoutBed', 'reason'],
  cancelMovement: ['because', 'reason'],
};
const PICKS_BED = new Set([...Object.keys(FIRST).filter(name => FIRST[name].includes(BED)), 'startCleaning', 'finishCleaning', 'reopenBed']);
const NEEDS_FREE_BED = new Set(['admitPatient', 'allocateRoom', 'transferPatient', 'endLeave', 'reserveBed', 'closeBed', 'cancelDischarge', 'correctMovement']);
const STAFF = new Set(['attending', 'practitioner', 'prescriber', 'orderedBy', 'requestedBy', 'performedBy', 'witnessedBy', 'staffNumber']);
const STAYS = new Set(['stayId', 'withStayId', 'sharesBedOf']);
const LONG = new Set(['note', 'question', 'reason']);
const SHORT = new Set(['dose', 'route', 'frequency', 'start', 'stop', 'from', 'until', 'familyName', 'givenName', 'birthDate', 'sex', 'doseGiven', 'specialty', 'attending', 'plan', 'expectedAt', 'disposition', 'destination', 'kind', 'practitioner']);
const COMMON_MORE = ['performedBy', 'witnessedBy', 'occurredAtPrecision', 'reason'];

const keepsTime = command => /^(correct|amend)/.test(command);
const keepsReason = command => /^(correct|amend|cancel|breakGlass|closeBed|merge|unmerge|move|restate|placeLegal|liftLegal|requestErasure|withdrawErasure)/.test(command);

class CommandForm extends Plain {
  static properties = {order: {attribute: false}, entered: {state: true}, refusal: {state: true}, isSending: {state: true}, lists: {state: true}, isEarlier: {state: true}};

  willUpdate(changed) {
    if (!changed.has('order')) return;
    const {command, values} = this.order;
    this.form = forms.commands[command];
    this.fields = new Map([...forms.inputs[this.form.input], ...forms.common].map(field => [field.name, field]));
    this.commandId = crypto.randomUUID();
    this.entered = {};
    for (const [name, value] of Object.entries(values))
      if (value != null && this.fields.has(name)) this.entered[name] = this.fields.get(name).type === 'DateTime' ? wall(value) : value;
    this.begin = this.entered.occurredAt;
    this.known = values;
    this.fixed = new Set(Object.keys(this.entered).filter(name => this.fields.get(name).type === 'ID'));
    this.isEarlier = !!clocks.asOf && !this.entered.occurredAt && !keepsTime(command);
    if (this.isEarlier) this.entered.occurredAt = wall(clocks.asOf);
    this.refusal = null;
    this.isSending = false;
    this.lists = {};
    this.#readLists();
  }

  async #readLists() {
    const command = this.order.command;
    const within = new Set([...this.fields.values()].flatMap(({type}) => (forms.inputs[type] ?? []).map(({name}) => name)));
    const needs = name => this.fields.has(name) || within.has(name);
    const [board, staff, wards, open] = await Promise.all([
      PICKS_BED.has(command) ? ask('Board').catch(() => null) : null,
      [...STAFF].some(needs) ? ask('Practitioners').catch(() => null) : null,
      needs('ward') && !PICKS_BED.has(command) ? ask('Wards').catch(() => null) : null,
      [...STAYS].some(name => needs(name) && !this.fixed.has(name)) ? ask('Open').catch(() => null) : null,
    ]);
    this.lists = {rooms: board?.roomOccupancy, staff: staff?.practitioners.nodes, wards: wards?.wards, stays: open?.stays.nodes};
  }

  firstUpdated() {
    this.querySelector('dialog').showModal();
  }

  updated(changed) {
    if (changed.has('order')) (this.querySelector('.first input:not([type=hidden]), .first select, .first textarea') ?? this.querySelector('[type=submit]'))?.focus();
    if (changed.has('refusal') && this.refusal) {
      const field = this.querySelector(`[aria-invalid=true]`);
      field?.closest('details')?.setAttribute('open', '');
      (field ?? this.querySelector('.refusal'))?.focus();
    }
  }

  close() {
    this.querySelector('dialog')?.close();
  }

  get #isLate() {
    const at = this.entered.occurredAt;
    return at && this.isEarlier && Date.now() - Date.parse(moment(at)) > hospital.lateAfterMinutes * 60e3;
  }

  #enter(name, value) {
    this.entered = {...this.entered, [name]: value};
  }

  /** The input as the schema has it. */
  #input() {
    const input = {commandId: this.commandId};
    for (const [name, value] of Object.entries(this.entered)) {
      if (name === 'occurredAt' && (keepsTime(this.order.command) ? value === this.begin : !this.isEarlier)) continue;
      const isExact = this.fields.get(name).type === 'DateTime' && this.known[name] && value === wall(this.known[name]); // to the second
      const converted = isExact ? this.known[name] : convert(this.fields.get(name), value);
      if (converted !== undefined) input[name] = converted;
    }
    return input;
  }

  /** The first field that is needed and was not entered. */
  #missing() {
    const isEmpty = ({name, type}) => (forms.inputs[type] ? !convert(this.fields.get(name), this.entered[name]) : !String(this.entered[name] ?? '').trim());
    return [...this.fields.values()].find(field => field.required && field.name !== 'commandId' && isEmpty(field))?.name;
  }

  async #send(event) {
    event.preventDefault();
    if (this.isSending) return;
    const missing = this.#missing();
    if (missing) {
      this.refusal = {code: 'Needed', message: '', path: [missing]};
      return;
    }
    this.isSending = true;
    this.refusal = null;
    const {command, context} = this.order;
    try {
      const outcome = await give(this.form, command, this.#input());
      if (outcome.code) this.refusal = outcome;
      else {
        this.close();
        shell.dispatchEvent(new CustomEvent('recorded', {detail: {command, outcome, context, stayId: outcome.stay?.id ?? this.entered.stayId ?? context.stay?.id}}));
        refresh();
      }
    } catch (error) {
      this.refusal = {code: error.code, message: error.code === 'OFFLINE' ? say('form.offline') : error.message, path: []};
    }
    this.isSending = false;
  }

  render() {
    const {command, context} = this.order;
    const picksBed = PICKS_BED.has(command);
    const own = forms.inputs[this.form.input].map(({name}) => name).filter(name => !this.fixed.has(name) && !(picksBed && ['ward', 'room', 'bed'].includes(name)));
    if (picksBed) own.unshift(BED);
    const first = (FIRST[command] ?? own).filter(name => name === BED || this.fields.has(name)).filter(name => !this.fixed.has(name));
    if (FIRST[command]) for (const name of own) if (this.fields.get(name)?.required && !first.includes(name)) first.push(name);
    if ((keepsReason(command) || this.#isLate || this.refusal?.code === 'ReasonNeeded') && !first.includes('reason')) first.push('reason');
    const more = [...own, ...COMMON_MORE].filter(name => !first.includes(name));
    const isShown = name => first.includes(name) || more.includes(name) || (name === 'occurredAt');
    const place = fieldOf(this.refusal, isShown, picksBed);
    return keyed(this.commandId, html`<dialog aria-labelledby="form-title" @close=${() => this.dispatchEvent(new Event('closed'))}>
      <form @submit=${this.#send} novalidate>
        <header><h2 id="form-title">${named(command)}</h2>
          <button type="button" class="plain" aria-label=${say('close')} @click=${this.close}>✕</button></header>
        ${aboutOf(context)}
        ${this.refusal && !place ? this.#refused() : nothing}
        ${this.#when(command, place)}
        <div class="first">${first.map(name => this.#field(name, place))}</div>
        ${more.length ? html`<details><summary>${say('more')}</summary>${more.map(name => this.#field(name, place))}</details>` : nothing}
        <footer><button class="primary" type="submit" aria-disabled=${this.isSending}>${this.isSending ? say('sending') : say('record')}</button>
          <button type="button" @click=${this.close}>${say('cancel')}</button></footer>
      </form></dialog>`);
  }

  /** When it happened: now, or earlier; both clocks are in sight. */
  #when(command, place) {
    const input = html`<input id="f-occurredAt" type="datetime-local" max=${wall(Date.now())} aria-label=${named('occurredAt')}
      aria-invalid=${place === 'occurredAt'} .value=${this.entered.occurredAt ?? ''} @input=${event => this.#enter('occurredAt', event.target.value)}>`;
    if (keepsTime(command))
      return html`<div class="field"><label for="f-occurredAt">${say('form.newTime')}</label>${input}<small>${say('form.unchanged')}</small>${place === 'occurredAt' ? this.#refused() : nothing}</div>`;
    return html`<fieldset class="when"><legend>${named('occurredAt')}</legend>
      <label><input type="radio" name="when" .checked=${!this.isEarlier} @change=${() => (this.isEarlier = false)}> ${say('now')}</label>
      <label><input type="radio" name="when" .checked=${this.isEarlier} @change=${() => {
        this.isEarlier = true;
        if (!this.entered.occurredAt) this.#enter('occurredAt', wall(Date.now()));
      }}> ${say('earlier')}</label>
      ${this.isEarlier ? input : nothing}
      <small>${this.isEarlier ? say(this.#isLate ? 'form.late' : 'form.recordedNow', {at: time(Date.now())}) : ''}</small>
      ${place === 'occurredAt' ? this.#refused() : nothing}</fieldset>`;
  }

  #field(name, place) {
    if (name === BED) return this.#bedPicker(place);
    const field = this.fields.get(name);
    const isBad = place === name;
    const hint = language() === 'en' ? field.about : '';
    const label = html`${named(name)}${field.required ? html`<span class="needed" title=${say('needed')}> *</span>` : nothing}`;
    if (forms.inputs[field.type])
      return html`<fieldset class=${field.list ? '' : 'nested'}><legend>${label}</legend><div>${field.list ? this.#rows(field) : this.#nested(field, this.entered[name] ?? {}, value => this.#enter(name, value))}</div>${isBad ? this.#refused() : nothing}</fieldset>`;
    return html`<div class="field ${isBad ? 'bad' : ''} ${SHORT.has(name) ? 'short' : ''}"><label for=${'f-' + name}>${label}</label>
      ${this.#control('f-' + name, field, this.entered[name], value => this.#enter(name, value), isBad)}
      ${hint ? html`<small>${hint}</small>` : nothing}${isBad ? this.#refused() : nothing}</div>`;
  }

  #control(id, field, value, enter, isBad = false) {
    const given = event => enter(event.target.value);
    const values = field.type === 'Boolean' ? ['true', 'false'] : forms.enums[field.type];
    if (values && !field.list)
      return html`<select id=${id} aria-invalid=${isBad} aria-required=${!!field.required} @change=${given}>
        <option value="" ?selected=${value == null || value === ''}>${field.required ? say('choose') : '—'}</option>
        ${values.map(each => html`<option value=${each} ?selected=${String(value) === each}>${named(each)}</option>`)}</select>`;
    if (LONG.has(field.name)) return html`<textarea id=${id} rows="2" aria-invalid=${isBad} .value=${value ?? ''} @input=${given}></textarea>`;
    const kind = {DateTime: 'datetime-local', Date: 'date', Time: 'time', Int: 'number'}[field.type] ?? 'text';
    if (field.name === 'patientMrn' || field.name === 'intoMrn') return this.#patientPicker(id, value, enter, isBad);
    if (STAYS.has(field.name))
      return html`<select id=${id} aria-invalid=${isBad} aria-required=${!!field.required} @change=${given}><option value="">${this.lists.stays ? say('choose') : say('reading')}</option>
        ${(this.lists.stays ?? []).filter(stay => stay.id !== this.entered.stayId || field.name === 'stayId').map(stay => html`<option value=${stay.id} ?selected=${stay.id === value}>${stay.room ? `${stay.room.ward} ${stay.room.number}-${stay.bed}` : (stay.withoutBed ?? named(stay.status))} · ${nameOf(stay.patient)}</option>`)}</select>`;
    const list = STAFF.has(field.name) ? 'staff-list' : /ward/i.test(field.name) ? 'ward-list' : null;
    return html`<input id=${id} type=${kind} aria-invalid=${isBad} aria-required=${!!field.required} list=${list ?? nothing} autocomplete="off"
      .value=${value ?? ''} @input=${given}>
      ${list === 'staff-list' ? html`<datalist id="staff-list">${(this.lists.staff ?? []).map(({staffNumber, familyName, givenName, specialty}) =>
        html`<option value=${staffNumber}>${[familyName, givenName].filter(Boolean).join(', ')} · ${specialty ?? ''}</option>`)}</datalist>` : nothing}
      ${list === 'ward-list' ? html`<datalist id="ward-list">${(this.lists.wards ?? []).map(({name}) => html`<option value=${name}></option>`)}</datalist>` : nothing}`;
  }

  #nested(field, value, enter, row = '') {
    return forms.inputs[field.type].map(inner => {
      const id = `f-${field.name}${row}-${inner.name}`;
      return html`<div class="field"><label for=${id}>${named(inner.name)}${inner.required ? ' *' : ''}</label>
        ${this.#control(id, inner, value[inner.name], given => enter({...value, [inner.name]: given}), inner.required && this.refusal?.code === 'Needed' && this.refusal.path.at(-1) === field.name)}</div>`;
    });
  }

  #rows(field) {
    const rows = this.entered[field.name] ?? [];
    const put = next => this.#enter(field.name, next);
    return html`${rows.map((row, i) => html`<fieldset class="row">${this.#nested(field, row, value => put(rows.with(i, value)), i)}
        <button type="button" @click=${() => put(rows.toSpliced(i, 1))}>${say('remove')}</button></fieldset>`)}
      <button type="button" data-add=${field.name} @click=${() => put([...rows, {}])}>${say('add')}</button>`;
  }

  #bedPicker(place) {
    const isBad = place === BED;
    const {ward, room, bed} = this.entered;
    const chosen = bed ? JSON.stringify([ward, room, bed]) : '';
    const wards = Map.groupBy ? Map.groupBy(this.lists.rooms ?? [], each => each.room.ward) : new Map();
    const pick = event => {
      const [ward, room, bed] = event.target.value ? JSON.parse(event.target.value) : [];
      this.entered = {...this.entered, ward, room, bed};
    };
    const isFree = state => !NEEDS_FREE_BED.has(this.order.command) || state === 'FREE' || state === 'RESERVED' || this.isEarlier || keepsTime(this.order.command);
    return html`<div class="field ${isBad ? 'bad' : ''}"><label for="f-bed">${named('bed')}</label>
      <select id="f-bed" data-picker aria-invalid=${isBad} @change=${pick}>
        <option value="">${this.lists.rooms ? say('choose') : say('reading')}</option>
        ${[...wards].sort(([a], [b]) => +(b === ward) - +(a === ward) || a.localeCompare(b)).map(([name, rooms]) => html`<optgroup label=${name}>
          ${rooms.flatMap(each => each.beds.map(one => {
            const value = JSON.stringify([name, each.room.number, one.code]);
            const who = one.occupants[0]?.patient;
            return html`<option value=${value} ?selected=${value === chosen} ?disabled=${!isFree(one.state)}>${name} ${each.room.number}-${one.code} · ${named(one.state)}${who ? `: ${nameOf(who)}` : ''}${each.room.policies.map(policy => ` · ${named(policy)}`).join('')}</option>`;
          }))}</optgroup>`)}
      </select>
      ${isBad ? this.#refused() : nothing}</div>`;
  }

  #patientPicker(id, value, enter, isBad) {
    const look = event => {
      const text = event.target.value;
      enter(text);
      clearTimeout(this.timer);
      if (text.length > 1 && may('patients'))
        this.timer = setTimeout(async () => {
          const {patients} = await ask('Patients', {search: text}).catch(() => ({patients: {nodes: []}}));
          this.lists = {...this.lists, patients: patients.nodes};
        }, 200);
    };
    const chosen = (this.lists.patients ?? []).find(({mrn}) => mrn === value);
    return html`<input id=${id} list="patient-list" aria-invalid=${isBad} autocomplete="off" placeholder=${say('form.patient')} .value=${value ?? ''} @input=${look}>
      <datalist id="patient-list">${(this.lists.patients ?? []).map(patient => html`<option value=${patient.mrn}>${describe(patient)}</option>`)}</datalist>
      ${chosen ? html`<output>${describe(chosen)}</output>` : nothing}`;
  }

  /** What was refused, what to do, and the one click that does it. */
  #refused() {
    const {code, message, facts = [], byStay, stayId, now} = this.refusal;
    return html`<div class="refusal" role="alert" tabindex="-1">
      <strong>${say('refused.' + code) === 'refused.' + code ? named(code) : say('refused.' + code)}</strong> ${message}
      ${facts.length ? html`<ul>${facts.map(fact => html`<li>${named(fact.kind.toUpperCase().replaceAll('.', '_'))} · ${dayTime(fact.occurredAt)}</li>`)}</ul>` : nothing}
      ${byStay ? html`<a href=${address('stay/' + byStay)} @click=${this.close}>${say('whoHasIt')}</a>` : nothing}
      ${byStay && this.entered.stayId && may('swapBeds') ? html`<button type="button" @click=${() => this.#instead('swapBeds', {stayId: this.entered.stayId, withStayId: byStay})}>${named('swapBeds')}</button>` : nothing}
      ${stayId ? html`<a href=${address('stay/' + stayId)} @click=${this.close}>${say('openStay')}</a>` : nothing}
      ${now ? html`<button type="button" @click=${() => ((this.isEarlier = false), (this.refusal = null))}>${say('now')}</button>` : nothing}
      ${code === 'NotFound' && this.entered.patientMrn && may('registerPatient')
        ? html`<button type="button" @click=${() => this.#instead('registerPatient', {mrn: this.entered.patientMrn})}>${named('registerPatient')}</button>` : nothing}
    </div>`;
  }

  #instead(command, values) {
    this.order = {command, values, context: this.order.context};
    this.updateComplete.then(() => this.querySelector('dialog').open || this.querySelector('dialog').showModal());
  }
}

const describe = ({familyName, givenName, mrn, birthDate, sex}) => `${nameOf({familyName, givenName})} · ${date(birthDate)} (${age(birthDate)} ${named(sex)}) · ${mrn}`;

const aboutOf = ({patient, stay, about}) =>
  patient || about
    ? html`<p class="about">${patient ? html`<strong>${nameOf(patient)}</strong> ${patient.mrn} · ${date(patient.birthDate)}` : nothing}
        ${stay?.room ? html` · ${stay.room.ward} ${stay.room.number}-${stay.bed}` : nothing}${about ? html`<br>${about}` : nothing}</p>`
    : nothing;

/** The shown field that a refusal is about. */
function fieldOf(refusal, isShown, picksBed) {
  if (!refusal) return null;
  if (refusal.code === 'ReasonNeeded') return 'reason';
  for (const name of refusal.path.filter(part => part !== 'input').toReversed()) {
    if (picksBed && ['ward', 'room', 'bed'].includes(name)) return BED;
    if (isShown(name)) return name;
  }
  return null;
}

/** A value as the schema has it; undefined where nothing was entered. */
function convert(field, value) {
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

customElements.define('wb-form', CommandForm);
