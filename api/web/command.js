/** The form of a command, made of its input type. Its command id is made when it opens: however often it
 * is sent, it has one effect. */

import {html, nothing} from './vendor/lit.js';
import {Plain, act, address, go, nameOf, refresh, shell} from './shell.js';
import {aboutOf, describe, learn, refusalOf} from './refusal.js';
import {BED, COMMON_MORE, ENTRIES, FIRST, IDENTITY, LONG, NEEDS_FREE_BED, PICKS_BED, SHORT, STAFF, STAYS, WARNED, asPerson, convert, fieldOf, keepsReason, keepsTime} from './fields.js';
import {readOpen} from './board.js';
import {forms} from './forms.js';
import {ask, give} from './gql.js';
import {may} from './session.js';
import {clocks, hospital, moment, short, time, wall} from './time.js';
import {language, named, say} from './words.js';

class CommandForm extends Plain {
  static properties = {order: {attribute: false}, entered: {state: true}, refusal: {state: true}, isSending: {state: true}, lists: {state: true}, isEarlier: {state: true}};

  willUpdate(changed) {
    if (!changed.has('order')) return;
    const {command, values} = this.order;
    this.form = forms.commands[command];
    this.fields = new Map([...forms.inputs[this.form.input], ...forms.common.filter(({name}) => !this.form.without.includes(name))].map(field => [field.name, field]));
    this.commandId = crypto.randomUUID();
    this.entered = {};
    for (const [name, value] of Object.entries(values))
      if (value != null && this.fields.has(name)) this.entered[name] = this.fields.get(name).type === 'DateTime' ? wall(value) : value;
    /** @type {Record<string, any>} */
    this.begin = keepsTime(command) && command !== 'correctFacts' ? {...this.entered} : {};
    this.known = values;
    this.fixed = new Set(Object.keys(this.entered).filter(name => this.fields.get(name).type === 'ID'));
    this.isEarlier = !keepsTime(command) && !!(this.entered.occurredAt || clocks.asOf);
    if (this.isEarlier) this.entered.occurredAt ??= wall(clocks.asOf);
    Object.assign(this, this.order.typed); // what was typed before another form was gone through first
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
      [...STAYS].some(name => needs(name) && !this.fixed.has(name)) ? readOpen().catch(() => null) : null,
    ]);
    this.lists = {rooms: board?.roomOccupancy, staff: staff?.practitioners.nodes, wards: wards?.wards, stays: open};
    for (const [name, id] of Object.entries(this.order.values.staff ?? {})) {
      const person = this.lists.staff?.find(each => each.id === id);
      if (person && STAFF.has(name) && this.fields.has(name) && !this.entered[name]) {
        this.begin[name] = person.staffNumber;
        this.#enter(name, person.staffNumber);
      }
    }
    if (command === 'registerPatient') this.#lookForLikely();
  }

  #warn = event => {
    if (this.isTyped) event.preventDefault();
  };

  connectedCallback() {
    super.connectedCallback();
    addEventListener('beforeunload', this.#warn); // a reload would lose what was typed
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    removeEventListener('beforeunload', this.#warn);
  }

  firstUpdated() {
    this.querySelector('dialog').showModal();
    this.addEventListener('input', () => (this.isTyped = true));
  }

  updated(changed) {
    if (changed.has('order')) (this.querySelector('.first input:not([type=hidden]), .first select, .first textarea') ?? this.querySelector('[type=submit]'))?.focus();
    if (changed.has('refusal') && this.refusal) {
      const place = this.querySelector('[aria-invalid=true]') ?? this.querySelector('.refusal');
      place?.closest('details')?.setAttribute('open', '');
      place?.focus();
    }
  }

  close() {
    this.querySelector('dialog')?.close();
  }

  /** Close it by hand, as by Escape: what was typed is not thrown away without a question. */
  #leave() {
    if (this.querySelector('dialog').dispatchEvent(new Event('cancel', {cancelable: true}))) this.close();
  }

  get #isLate() {
    const at = this.entered.occurredAt;
    return at && this.isEarlier && Date.now() - Date.parse(moment(at)) > hospital.lateAfterMinutes * 60e3;
  }

  #enter(name, value) {
    this.entered = {...this.entered, [name]: value};
    if (this.order.command === 'registerPatient' && IDENTITY.includes(name)) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#lookForLikely(), 300);
    }
  }

  /** Who is likely the person that is being registered: seen before it is sent, not after. */
  async #lookForLikely() {
    const variables = Object.fromEntries(IDENTITY.map(name => [name, this.entered[name]?.trim() || null]));
    if (!may('likely_duplicates') || !variables.familyName) return;
    const {likelyDuplicates} = await ask('LikelyDuplicates', variables).catch(() => ({likelyDuplicates: []}));
    this.lists = {...this.lists, likely: likelyDuplicates};
  }

  /** Whether a value of a correction is as it was: what is not sent is left as it is. */
  #isAsBefore(name) {
    const parts = ['ward', 'room', 'bed'];
    const names = PICKS_BED.has(this.order.command) && parts.includes(name) ? parts : [name];
    return names.every(each => JSON.stringify(this.entered[each] ?? '') === JSON.stringify(this.begin[each] ?? ''));
  }

  /** The input as the schema has it. */
  #input() {
    const input = {commandId: this.commandId};
    for (const [name, value] of Object.entries(this.entered)) {
      if (keepsTime(this.order.command)) {
        if (this.#isAsBefore(name) && !this.fixed.has(name) && !this.fields.get(name).required) continue;
      } else if (name === 'occurredAt' && !this.isEarlier) continue;
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
      this.refusal = {code: 'NEEDED', path: [missing]};
      return;
    }
    const {command} = this.order;
    const {before, ...context} = this.order.context;
    if (Object.keys(this.begin).length && Object.keys(this.entered).every(name => name === 'reason' || this.#isAsBefore(name))) {
      this.refusal = {code: 'UNCHANGED', path: []};
      return;
    }
    const likely = command === 'registerPatient' ? (this.lists.likely ?? []) : [];
    if (likely.length && !this.entered.despiteLikelyDuplicates) {
      this.refusal = {code: 'LIKELY_DUPLICATES', path: [], candidates: likely.map(({id}) => id), people: likely};
      return;
    }
    this.isSending = true;
    this.refusal = null;
    try {
      const input = this.#input();
      const outcome = await give(this.form, command, input);
      if (outcome.code) this.refusal = await learn(outcome);
      else {
        if (before && command === 'registerPatient') Object.assign(before.typed.entered, {patientMrn: input.mrn, ...(input.mrnAuthority && {mrnAuthority: input.mrnAuthority})});
        this.close();
        const {commandId, reason, ...values} = {...this.known, ...input};
        shell.dispatchEvent(new CustomEvent('recorded', {detail: {command, values, outcome, context, stayId: outcome.stay?.id ?? this.entered.stayId ?? context.stay?.id}}));
        await ask('Wards', {atLeast: outcome.position}).catch(() => null); // until the read models have it
        refresh();
      }
    } catch (error) {
      this.refusal = {code: error.code, message: error.message, path: []};
    }
    this.isSending = false;
  }

  render() {
    const {command, context} = this.order;
    const picksBed = PICKS_BED.has(command);
    const own = forms.inputs[this.form.input].map(({name}) => name).filter(name => !this.fixed.has(name) && name !== WARNED && name !== 'despiteLikelyDuplicates' && !(picksBed && ['ward', 'room', 'bed'].includes(name)));
    if (picksBed) own.unshift(BED);
    const known = own.filter(name => (name === BED ? this.begin['bed'] : this.begin[name] != null));
    const first = (known.length ? known : (FIRST[command] ?? own)).filter(name => name === BED || this.fields.has(name)).filter(name => !this.fixed.has(name));
    if (FIRST[command]) for (const name of own) if (this.fields.get(name)?.required && !first.includes(name)) first.push(name);
    if ((keepsReason(command) || this.#isLate || this.entered[WARNED]?.length || this.refusal?.code === 'REASON_NEEDED') && !first.includes('reason')) first.push('reason');
    const more = [...own, ...COMMON_MORE].filter(name => !first.includes(name));
    const isShown = name => first.includes(name) || more.includes(name) || (name === 'occurredAt' && this.fields.has(name));
    const place = fieldOf(this.refusal, isShown, picksBed);
    return html`<dialog aria-labelledby="form-title" @cancel=${event => this.isTyped && !this.isSending && !confirm(say('form.leave')) && event.preventDefault()} @close=${() => this.dispatchEvent(new Event('closed'))}>
      <form @submit=${this.#send} novalidate>
        <header><h2 id="form-title">${named(command)}</h2>
          <button type="button" class="plain" aria-label=${say('close')} @click=${this.#leave}>✕</button></header>
        ${aboutOf(context)}
        ${this.#likely()}
        ${this.entered[WARNED]?.length ? html`<p class="confirmed">${say('confirmed', {what: this.entered[WARNED].map(named).join(', ')})}</p>` : nothing}
        ${this.refusal && !place ? this.#explanation() : nothing}
        ${this.#when(command, place)}
        <div class="first">${first.map(name => this.#field(name, place))}</div>
        ${more.length ? html`<details><summary>${say('more')}</summary><div class="first">${more.map(name => this.#field(name, place))}</div></details>` : nothing}
        <footer><button class="primary" type="submit" aria-disabled=${this.isSending}>${this.isSending ? say('sending') : say('record')}</button>
          <button type="button" @click=${this.#leave}>${say('cancel')}</button></footer>
      </form></dialog>`;
  }

  /** When it happened: now, or earlier; both clocks are in sight. */
  #when(command, place) {
    if (!this.fields.has('occurredAt')) return nothing;
    const input = html`<input id="f-occurredAt" type="datetime-local" max=${wall(Date.now())} aria-label=${named('occurredAt')}
      aria-invalid=${place === 'occurredAt'} .value=${this.entered.occurredAt ?? ''} @input=${event => this.#enter('occurredAt', event.target.value)}>`;
    if (keepsTime(command))
      return html`<div class="field"><label for="f-occurredAt">${say('form.newTime')}</label>${input}<small>${say('form.unchanged')}</small>${place === 'occurredAt' ? this.#explanation() : nothing}</div>`;
    return html`<fieldset class="when"><legend>${named('occurredAt')}</legend>
      <label><input type="radio" name="when" .checked=${!this.isEarlier} @change=${() => (this.isEarlier = false)}> ${say('now')}</label>
      <label><input type="radio" name="when" .checked=${this.isEarlier} @change=${() => {
        this.isEarlier = true;
        if (!this.entered.occurredAt) this.#enter('occurredAt', wall(Date.now()));
      }}> ${say('earlier')}</label>
      ${this.isEarlier ? input : nothing}
      <small>${this.isEarlier ? say(this.#isLate ? 'form.late' : 'form.recordedNow', {at: time(Date.now())}) : ''}</small>
      ${place === 'occurredAt' ? this.#explanation() : nothing}</fieldset>`;
  }

  #field(name, place) {
    if (name === BED) return this.#bedPicker(place);
    const field = this.fields.get(name);
    const isBad = place === name;
    const hint = language() === 'en' && !FIRST[this.order.command] ? field.about : '';
    const isNeeded = field.required || (name === 'reason' && (this.#isLate || keepsReason(this.order.command)));
    const label = html`${named(name)}${isNeeded ? html`<span class="needed" title=${say('needed')}> *</span>` : nothing}`;
    if (forms.inputs[field.type])
      return html`<fieldset class=${field.list ? '' : 'nested'}><legend>${label}</legend><div>${field.list ? this.#rows(field) : this.#nested(field, this.entered[name] ?? {}, value => this.#enter(name, value))}</div>${isBad ? this.#explanation() : nothing}</fieldset>`;
    return html`<div class="field ${isBad ? 'bad' : ''} ${SHORT.has(name) ? 'short' : ''}"><label for=${'f-' + name}>${label}</label>
      ${this.#control('f-' + name, field, this.entered[name], value => this.#enter(name, value), isBad)}
      ${hint ? html`<small>${hint}</small>` : nothing}${isBad ? this.#explanation() : nothing}</div>`;
  }

  #control(id, field, value, enter, isBad = false) {
    const given = event => enter(event.target.value);
    const values = field.type === 'Boolean' ? ['true', 'false'] : field.name === 'flagKind' ? hospital.flags : forms.enums[field.type];
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
        ${this.#control(id, inner, value[inner.name], given => enter({...value, [inner.name]: given}), inner.required && this.refusal?.code === 'NEEDED' && this.refusal.path.at(-1) === field.name)}</div>`;
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
    const wards = Map.groupBy(this.lists.rooms ?? [], each => each.room.ward);
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
            const who = one.occupants[0];
            const why = [who && nameOf(who.patient), one.stateReason, one.until && say('until', {at: short(one.until)})].filter(Boolean).join(', ');
            return html`<option value=${value} ?selected=${value === chosen} ?disabled=${!isFree(one.state)}>${name} ${each.room.number}-${one.code} · ${named(one.state)}${why ? `: ${why}` : ''}${each.room.policies.map(policy => ` · ${named(policy)}`).join('')}</option>`;
          }))}</optgroup>`)}
      </select>
      ${isBad ? this.#explanation() : nothing}</div>`;
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

  /** Who is there already and is likely the same person. */
  #likely() {
    const found = this.order.command === 'registerPatient' ? (this.lists.likely ?? []) : [];
    if (!found.length || this.refusal?.code === 'LIKELY_DUPLICATES') return nothing;
    const ids = found.map(({id}) => id);
    return html`<section class="likely" role="status"><h3>${say('likely', {n: found.length})}</h3>
      <ul>${found.map(person => html`<li><a href=${address('patient/' + person.id)} @click=${this.close}>${describe(person)}</a></li>`)}</ul>
      <label><input type="checkbox" .checked=${!!this.entered.despiteLikelyDuplicates} @change=${event => this.#enter('despiteLikelyDuplicates', event.target.checked ? ids : null)}> ${say('anotherPerson')}</label></section>`;
  }

  /** What was refused, what to do, and the one click that does it. */
  #explanation() {
    const {code, byStay, now, warnings, candidates, facts, state, stays, endedAt, diedAt} = this.refusal;
    const {stayId, patientMrn, mrn, ward, room, bed} = this.entered;
    const {patient} = this.order.context;
    const opens = code === 'BED_NOT_OPEN' && bed && {CLOSED: 'reopenBed', TO_BE_CLEANED: 'finishCleaning', CLEANING: 'finishCleaning'}[state];
    const again = values => {
      this.entered = {...this.entered, ...values};
      this.refusal = null;
      this.updateComplete.then(() => this.querySelector('#f-reason')?.focus());
    };
    const at = moment => {
      this.isEarlier = true;
      again({occurredAt: wall(moment)});
    };
    const first = (command, values) => [named(command), command, () => this.#first(command, values)];
    const instead = (command, values) => [named(command), command, () => act(command, values, this.order.context)];
    return refusalOf(this.refusal, [
      byStay && stayId && instead('swapBeds', {stayId, withStayId: byStay}),
      now && [say('now'), null, () => ((this.isEarlier = false), (this.refusal = null))],
      (endedAt || diedAt) && [say('atThatTime'), null, () => at(endedAt ?? diedAt)],
      warnings && [say('confirmWarnings'), null, () => again({[WARNED]: [...new Set([...(this.entered[WARNED] ?? []), ...warnings])]})],
      candidates && [say('anotherPerson'), null, () => again({despiteLikelyDuplicates: candidates})],
      stays && [say('takeAlong'), null, () => again({sharers: stays.map(stayId => (/^discharge/.test(this.order.command) ? {stayId} : {stayId, sharesBed: true}))})],
      code === 'NOT_FOUND' && patientMrn && first('registerPatient', asPerson(patientMrn)),
      code === 'ALREADY_EXISTS' && mrn && [say('find'), 'patients', () => (this.close(), go('find', {q: mrn}))],
      opens && first(opens, {ward, room, bed}),
      endedAt && stayId && first('cancelDischarge', {stayId}),
      diedAt && patient && first('correctDeath', {patientMrn: patient.mrn, mrnAuthority: patient.mrnAuthority, occurredAt: diedAt}),
      facts?.length && instead('correctFacts', this.#several(facts)),
    ].filter(Boolean), () => this.close());
  }

  /** Open another form that has to come first; this one comes back as it was typed. */
  #first(command, values) {
    const {entered, isEarlier} = this;
    act(command, values, {...this.order.context, before: {...this.order, typed: {entered, isEarlier}}});
  }

  /** What is given here, and what speaks against it, to be put right together. */
  #several(facts) {
    const {command} = this.order;
    const at = moment => ({occurredAt: wall(moment)});
    const own = (type, more = {}) => Object.fromEntries(forms.inputs[type].map(({name}) => [name, {...this.entered, ...more}[name]]).filter(([name, value]) => value != null && value !== '' && (name === 'movementId' || !this.#isAsBefore(name))));
    const of = (kind, id) => facts.filter(fact => fact.kind === kind).map(fact => ({[id]: fact.id, ...at(fact.occurredAt)}));
    return {
      corrections: [
        ...(command === 'correctMovement' ? [own('MovementCorrectionInput')] : []),
        ...facts.filter(({kind}) => !/^(VISIT|DOSE|INFUSION|PRESCRIPTION|CONSULT|FLAG|ALLERGY|DEATH|BED)/.test(kind)).map(fact => ({movementId: fact.id, ...at(fact.occurredAt)})),
      ],
      cancels: command === 'cancelMovement' ? [own('MovementCancelInput')] : [],
      entries: ENTRIES[command] ? [own('LateEntryInput', {kind: ENTRIES[command], occurredAt: this.entered.occurredAt ?? wall(Date.now())})] : [],
      visits: of('VISIT', 'visitId'),
      doses: of('DOSE', 'administrationId'),
      reason: this.entered.reason,
    };
  }
}

customElements.define('wb-form', CommandForm);
