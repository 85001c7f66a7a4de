/** The board: who lies where. Now it follows the record; a past moment it asks for once. */

import {html, nothing, repeat} from './vendor/lit.js';
import {Screen, act, address, nameOf, preferences, wardChoice} from './shell.js';
import {ask, askAll} from './gql.js';
import {may} from './session.js';
import {clockParameters, clocks, clockTimes, isPast, localDay, moment, short} from './time.js';
import {totals} from './ward.js';
import {language, named, say, translate} from './words.js';

const order = new Intl.Collator('en', {numeric: true}).compare;
const NONE = new Map();

/** The wards of rooms, each with its rooms, in order. */
function byWard(rooms) {
  const found = new Map();
  for (const each of rooms) {
    const name = each.room.ward;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(each);
  }
  for (const those of found.values()) those.sort((a, b) => order(a.room.number, b.room.number));
  return new Map([...found].sort(([a], [b]) => order(a, b)));
}

/** The wards, with those rooms and lists that are as before: only what is another is drawn anew. */
function reuse(wards, before) {
  for (const [name, those] of wards) {
    const old = before?.get(name) ?? [];
    const byId = new Map(old.map(each => [each.room.id, each]));
    const rooms = those.map(each => (textOf(each) === textOf(byId.get(each.room.id)) ? byId.get(each.room.id) : each));
    wards.set(name, rooms.length === old.length && rooms.every((each, i) => each === old[i]) ? old : rooms);
  }
  return wards;
}

const texts = new WeakMap();

/** A room as text, by which it is compared; made once. */
function textOf(room) {
  if (room && !texts.has(room)) texts.set(room, JSON.stringify(room));
  return texts.get(room);
}

class Board extends Screen {
  /** The day that is shown. */
  get #today() {
    return localDay(clocks.asOf ?? clocks.knownAt ?? new Date());
  }

  /** What is asked by: the ward, the moment, and who is expected on its day. */
  get #variables() {
    return {ward: this.route.own.ward ?? null, until: moment(this.#today + 'T23:59'), ...clockTimes()};
  }

  async read(signal) {
    const ward = this.route.own.ward ?? null;
    const {roomOccupancy, position, ...aside} = await ask('WholeBoard', {...this.#variables, expected: !isPast()}, signal); // a step of the time bar waits for no more
    if (!isPast()) {
      this.follow('Following', ward, position, 'roomOccupancyChanged', change => this.#apply(change));
      this.#readAsideIn(60e3);
    }
    this.#readMore(ward, signal);
    return {wards: reuse(byWard(roomOccupancy), this.data?.wards), aside, differs: NONE};
  }

  /** Read what no step of the time bar waits for: of the past when the bar rests. */
  async #readMore(ward, signal) {
    const isCompared = may('occupancy_difference');
    if (!isPast()) return isCompared && this.#mark(ward, signal);
    await new Promise(done => setTimeout(done, 250));
    const aside = signal.aborted ? null : await ask('Aside', this.#variables, signal).catch(() => null);
    if (!aside || signal.aborted) return;
    this.data = {...this.data, aside};
    if (clocks.knownAt && isCompared) this.#compare(ward, signal);
  }

  /** Outline the beds of which something else is held today, and mark when that was learned. */
  async #compare(ward, signal) {
    const difference = await ask('OccupancyDifference', {fromKnown: clocks.knownAt, ward, asOf: clocks.asOf ?? clocks.knownAt}, signal).catch(() => null);
    if (!difference || signal.aborted) return;
    this.data = {...this.data, differs: differing(difference)};
    this.dispatchEvent(new CustomEvent('marks', {bubbles: true, detail: difference.occupancyDifference.flatMap(({facts}) => facts.map(({recordedAt}) => recordedAt))}));
  }

  /** Mark when it was learned that the board had looked otherwise: a week of a ward, a day of the house. */
  async #mark(ward, signal) {
    const marks = new Set();
    for (let day = 1; day <= (ward ? 7 : 1); day++) {
      await new Promise(done => setTimeout(done, 500));
      if (signal.aborted) return;
      const then = new Date(Date.now() - day * 864e5).toISOString();
      const difference = await ask('OccupancyDifference', {fromKnown: then, ward, asOf: then}, signal).catch(() => null);
      for (const {facts} of difference?.occupancyDifference ?? []) for (const {recordedAt} of facts) marks.add(recordedAt);
    }
    if (marks.size && !signal.aborted) this.dispatchEvent(new CustomEvent('marks', {bubbles: true, detail: [...marks]}));
  }

  /** Put rooms in their places. Wards of which nothing is another keep their list, and are not drawn anew. */
  #apply({rooms, left}) {
    const wardOf = new Map([...left.map(id => [id]), ...rooms.map(({room}) => [room.id, room.ward])]);
    const moved = ({room}) => wardOf.has(room.id) && wardOf.get(room.id) !== room.ward;
    let wards = new Map(this.data.wards);
    for (const [name, those] of this.data.wards) {
      if (!those.some(moved)) continue;
      const rest = those.filter(each => !moved(each));
      if (rest.length) wards.set(name, rest);
      else wards.delete(name);
    }
    const changed = [];
    for (const each of rooms) {
      const those = wards.get(each.room.ward) ?? [];
      const i = those.findIndex(({room}) => room.id === each.room.id);
      if (i < 0) wards = byWard([...[...wards.values()].flat(), each]);
      else if (textOf(those[i]) !== textOf(each)) {
        const before = new Map(those[i].beds.map(bed => [bed.code, JSON.stringify(bed)]));
        for (const bed of each.beds) if (before.get(bed.code) !== JSON.stringify(bed)) changed.push(each.room.id + bed.code);
        wards.set(each.room.ward, those.with(i, each));
      }
    }
    this.#readAsideIn(400);
    this.data = {...this.data, wards};
    this.updateComplete.then(() => this.#flash(changed));
  }

  /** Read who lies in no bed: soon after a change, and each minute, for of them no room tells. */
  #readAsideIn(ms) {
    clearTimeout(this.timer);
    const followed = this.unfollow;
    this.timer = setTimeout(async () => {
      const aside = await ask('Aside', this.#variables).catch(() => null);
      if (this.unfollow !== followed) return; // another ward or moment is shown by now
      if (aside) this.data = {...this.data, aside};
      this.#readAsideIn(60e3);
    }, ms);
  }

  /** Show for a moment what was changed, without an animation (ADR 69). */
  #flash(changed) {
    const beds = changed.map(id => this.querySelector(`[data-bed="${CSS.escape(id)}"]`));
    for (const bed of beds) bed?.classList.add('changed');
    setTimeout(() => beds.forEach(bed => bed?.classList.remove('changed')), 2500);
  }

  view() {
    const {wards, aside, differs} = this.data;
    const rooms = [...wards.values()].flat();
    const count = totals(rooms);
    const unplaced = aside.unplaced.nodes;
    const away = aside.away.nodes;
    const today = this.#today;
    const look = `${preferences.privacy} ${language()}`; // what names and words depend on
    const clock = JSON.stringify(clockParameters());
    const stays = [...unplaced, ...away, ...rooms.flatMap(({beds}) => beds.flatMap(({occupants}) => occupants.map(({stay}) => stay)))];
    const leaving = new Set(stays.filter(stay => stay?.expectedDischarge && localDay(stay.expectedDischarge) <= today).map(({id}) => id));
    const expected = (aside.expected?.nodes ?? []).filter(({stay}) => !unplaced.some(({id}) => id === stay?.id));
    return html`<h1 class="hidden">${say('board')}</h1>
      <div class="summary">
        ${wardChoice(this.route, this.wards)}
        <dl class="counts">
          ${['OCCUPIED', 'FREE', 'TO_BE_CLEANED', 'CLEANING', 'RESERVED', 'KEPT', 'CLOSED'].map(state =>
            count[state] || state === 'OCCUPIED' || state === 'FREE'
              ? html`<div class="state-${state}"><dt>${named(state)}</dt><dd>${count[state] ?? 0}</dd></div>`
              : nothing)}
          <div><dt>${say('beds')}</dt><dd>${count.beds}</dd></div>
          <div><dt>${say('leavingToday')}</dt><dd>${leaving.size}</dd></div>
        </dl>
        ${may('admitPatient') && !isPast()
          ? html`<button class="primary" type="button" @click=${() => act('admitPatient', {ward: this.route.own.ward})}>${named('admitPatient')} <kbd aria-hidden="true">a</kbd></button>`
          : nothing}
      </div>
      <div class="strips">
        ${strip(say('withoutBed'), unplaced, stay => ofStay(stay, stay.withoutBed))}
        ${strip(say('onLeave'), away, stay => ofStay(stay, stay.expectedReturn && say('backAt', {at: short(stay.expectedReturn)})))}
        ${strip(html`<a href=${address('flow')}>${say('expected')}</a>`, expected, each => ({...arrivalOf(each), note: [short(each.expectedAt), this.route.own.ward ? null : each.ward].filter(Boolean).join(' → ')}))}
      </div>
      ${wards.size ? nothing : html`<p class="quiet">${say('noBeds')}</p>`}
      <div class="wards" @keydown=${this.#keys} @focusin=${this.#focused}>
        ${repeat(wards, ([name]) => name, ([name, those]) => html`<wb-ward .name=${name} .rooms=${those} .today=${today} .differs=${differs.get(name) ?? NONE} .isAlone=${this.route.own.ward === name} .look=${look} .clock=${clock}></wb-ward>`)}
      </div>`;
  }

  /** Let Tab come back to the bed where one was. */
  #focused({target}) {
    if (!target.dataset.bed) return;
    for (const bed of this.querySelectorAll('[data-bed][tabindex="0"]')) bed.tabIndex = -1;
    target.tabIndex = 0;
  }

  #keys(event) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    const side = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step && !side) return;
    const beds = [...this.querySelectorAll('[data-bed]')];
    const here = beds.indexOf(document.activeElement);
    if (here < 0) return;
    event.preventDefault();
    let next = beds[here + (step ?? 0)];
    if (side) {
      const sections = [...this.querySelectorAll('section.ward')];
      next = sections[sections.indexOf(document.activeElement.closest('section.ward')) + side]?.querySelector('[data-bed]');
    }
    next?.focus();
  }
}

/** All open stays: those without a bed are on no board otherwise. */
export const readOpen = (when = {}, signal = undefined) => askAll('Open', when, signal);

/** Of each ward the beds of which something else is held today, and what was learned. */
function differing(difference) {
  const found = new Map();
  for (const {room, before, after, facts} of difference.occupancyDifference) {
    if (!found.has(room.ward)) found.set(room.ward, new Map());
    found.get(room.ward).set(room.id + (after ?? before).code, facts.map(({summary}) => translate(summary)).join('\n') || say('differs'));
  }
  return found;
}

/** Who is expected: a name, so far as it is known and may be seen, and where there is more of this person. */
export function arrivalOf({patient, stay, familyName, givenName, birthDate}) {
  const person = patient ?? stay?.patient ?? {familyName, givenName, birthDate};
  const isNamed = person.familyName || person.givenName || may('data:identity');
  return {person, name: isNamed ? nameOf(person) : say('hidden'), path: stay ? 'stay/' + stay.id : patient ? 'patient/' + patient.id : 'flow'};
}

const ofStay = (stay, note) => ({path: 'stay/' + stay.id, name: nameOf(stay.patient), note});

const strip = (title, rows, line) => {
  if (!rows.length) return nothing;
  return html`<section class="strip"><h2>${title} <span class="of">${rows.length}</span></h2>
    <ul>${repeat(rows, ({id}) => id, row => {
      const {path, name, note} = line(row);
      return html`<li><a href=${address(path)}><span class="name">${name}</span> <small>${note ?? ''}</small></a></li>`;
    })}</ul></section>`;
};

customElements.define('wb-board', Board);
