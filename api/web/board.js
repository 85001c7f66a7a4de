/** The board: who lies where. Now it follows the record; a past moment it asks for once. */

import {classMap, html, nothing, repeat} from './vendor/lit.js';
import {Screen, act, address, nameOf, preferences, wardChoice} from './shell.js';
import {ask, live} from './gql.js';
import {may} from './session.js';
import {age, asked, clocks, dayOfStay, isPast, localDay, short} from './time.js';
import {named, say} from './words.js';

const SEX = {FEMALE: 'F', MALE: 'M', OTHER: 'X', UNKNOWN: '?'};
const order = new Intl.Collator('en', {numeric: true}).compare;

/** The wards of rooms, each with its rooms, in order. */
function byWard(rooms) {
  const found = new Map();
  for (const each of rooms) {
    const name = each.room.ward;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(each);
  }
  for (const those of found.values()) those.sort((a, b) => order(a.room.number, b.room.number));
  return [...found].sort(([a], [b]) => order(a, b));
}

export const bedName = (room, bed) => (room ? `${room.number}-${bed.code ?? bed}` : '');

/** The states of beds, counted. */
export function totals(rooms) {
  const count = {beds: 0};
  for (const {beds} of rooms)
    for (const {state} of beds) {
      count.beds += 1;
      count[state] = (count[state] ?? 0) + 1;
    }
  return count;
}

class Board extends Screen {
  static properties = {totals: {state: true}};
  async read(signal) {
    const ward = this.route.own.ward ?? null;
    const variables = {ward, ...asked()};
    const past = isPast();
    const [{roomOccupancy}, open] = await Promise.all([ask('Board', variables, signal), readOpen(variables, signal)]);
    this.isLive = !past;
    ask('HouseTotals', variables, signal).then(({houseTotals}) => (this.totals = houseTotals), () => null);
    if (!past) this.#follow(ward);
    else if (clocks.knownAt && may('occupancy_difference')) this.#compare(ward, signal);
    return {rooms: new Map(roomOccupancy.map(each => [each.room.id, each])), open, changed: new Set(), differs: new Map()};
  }

  /** Outline the beds of which something else is held today, and mark when that was learned. */
  async #compare(ward, signal) {
    const told = await ask('OccupancyDifference', {fromKnown: clocks.knownAt, ward, asOf: clocks.asOf ?? clocks.knownAt}, signal).catch(() => null);
    if (!told || signal.aborted) return;
    this.data = {...this.data, differs: differing(told)};
    this.dispatchEvent(new CustomEvent('marks', {bubbles: true, detail: told.occupancyDifference.flatMap(({facts}) => facts.map(({recordedAt}) => recordedAt))}));
  }

  #follow(ward) {
    let isFirst = true;
    this.unfollow = live.follow(
      'Following',
      {ward},
      'roomOccupancyChanged',
      item => this.#told(item),
      () => {
        // what was recorded between the answer and the beginning of the following is in a second answer
        if (isFirst) this.timer = setTimeout(() => this.#again(ward), 1200);
        isFirst = false;
      },
    );
  }

  async #again(ward) {
    const {roomOccupancy} = await ask('Board', {ward}).catch(() => ({}));
    if (roomOccupancy && this.unfollow) this.data = {...this.data, rooms: new Map(roomOccupancy.map(each => [each.room.id, each]))};
  }

  #told({rooms}) {
    if (!this.data) return;
    const changed = new Set();
    for (const each of rooms) {
      const before = this.data.rooms.get(each.room.id);
      for (const bed of each.beds) {
        const old = before?.beds.find(({code}) => code === bed.code);
        if (JSON.stringify(old) !== JSON.stringify(bed)) changed.add(each.room.id + bed.code);
      }
      this.data.rooms.set(each.room.id, each);
    }
    this.data = {...this.data, changed};
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const open = await readOpen({ward: this.route.own.ward ?? null}).catch(() => null);
      if (open && this.unfollow) this.data = {...this.data, open};
    }, 400);
  }

  get #at() {
    return clocks.asOf ?? clocks.knownAt ?? new Date();
  }

  view() {
    const rooms = [...this.data.rooms.values()];
    const wards = byWard(rooms);
    const count = totals(rooms);
    const unplaced = this.data.open.filter(stay => !stay.bed && stay.status === 'ADMITTED');
    const away = this.data.open.filter(stay => stay.status === 'ON_LEAVE');
    const today = localDay(this.#at);
    const leaving = this.data.open.filter(stay => stay.expectedDischarge && localDay(stay.expectedDischarge) <= today);
    const waiting = (this.route.own.ward ? this.totals?.wards.find(({ward}) => ward === this.route.own.ward) : this.totals?.total)?.waiting;
    return html`<h1 class="hidden">${say('board')}</h1>
      <div class="summary">
        ${wardChoice(this.route, this.wards)}
        <dl class="counts">
          ${['OCCUPIED', 'FREE', 'TO_BE_CLEANED', 'CLEANING', 'RESERVED', 'KEPT', 'CLOSED'].map(state =>
            count[state] || state === 'OCCUPIED' || state === 'FREE'
              ? html`<div class="state-${state}"><dt>${named(state)}</dt><dd>${count[state] ?? 0}</dd></div>`
              : nothing)}
          <div><dt>${say('beds')}</dt><dd>${count.beds}</dd></div>
          <div><dt>${say('leavingToday')}</dt><dd>${leaving.length}</dd></div>
          ${waiting ? html`<div class="short-count"><dt><a href=${address('flow')}>${say('expected')}</a></dt><dd>${waiting}</dd></div>` : nothing}
        </dl>
        ${may('admitPatient') && !isPast()
          ? html`<button class="primary" type="button" @click=${() => act('admitPatient', {ward: this.route.own.ward})}>${named('admitPatient')} <kbd aria-hidden="true">a</kbd></button>`
          : nothing}
      </div>
      ${unplaced.length || away.length
        ? html`<div class="strips">
            ${strip(say('withoutBed'), unplaced, stay => stay.withoutBed ?? '')}
            ${strip(say('onLeave'), away, stay => (stay.expectedReturn ? say('backAt', {at: short(stay.expectedReturn)}) : ''))}
          </div>`
        : nothing}
      ${wards.length ? nothing : html`<p class="quiet">${say('noBeds')}</p>`}
      <div class="wards" @keydown=${this.#keys}>
        ${repeat(wards, ([name]) => name, ([name, those]) => this.#ward(name, those))}
      </div>`;
  }

  #ward(name, rooms) {
    const count = totals(rooms);
    const taken = (count.OCCUPIED ?? 0) + (count.KEPT ?? 0);
    return html`<section class="ward" aria-label=${name}>
      <h2><a href=${address('board', {ward: this.route.own.ward === name ? '' : name})}>${name}</a>
        <span class="of" title=${say('occupiedOf', {taken, beds: count.beds})}>${taken}/${count.beds}</span>
        <span class="share" aria-hidden="true"><i .style=${`width:${(100 * taken) / count.beds}%`}></i></span>
        ${count.FREE ? html`<span class="free">${say('free', {n: count.FREE})}</span>` : html`<span class="full">${say('full')}</span>`}
      </h2>
      <ul>
        ${repeat(rooms, ({room}) => room.id, each => html`<li class="room">
          <h3>${each.room.number}${each.room.policies.map(policy => html` <abbr title=${named(policy)}>${say('short.' + policy)}</abbr>`)}</h3>
          <ul>${repeat(each.beds, bed => bed.code, bed => html`<li>${this.#bed(each.room, bed)}</li>`)}</ul>
        </li>`)}
      </ul>
    </section>`;
  }

  #bed(room, bed) {
    const id = room.id + bed.code;
    const first = bed.occupants.find(occupant => !occupant.sharesBedOf) ?? bed.occupants[0];
    const differs = this.data.differs.get(id);
    const classes = {bed: true, [`state-${bed.state}`]: true, changed: this.data.changed.has(id), differs: !!differs};
    const flag = differs ? html`<i class="flag differs" title=${differs}>≠</i>` : nothing;
    const focus = this.focused ? (this.focused === id ? 0 : -1) : 0;
    if (!first)
      return html`<button type="button" class=${classMap(classes)} data-bed=${id} tabindex=${focus}
        @focus=${() => (this.focused = id)} @click=${event => this.#menu(room, bed, event)}
        @dragover=${this.#over} @drop=${event => this.#dropped(event, {ward: room.ward, room: room.number, bed: bed.code})}>
        <span class="hidden">${room.number}</span> <b class="code">${bed.code}</b><span class="who"><span class="word">${named(bed.state)}</span>
        <small>${bed.stateReason ?? ''} ${bed.until ? say('until', {at: short(bed.until)}) : ''}</small></span>${flag}</button>`;
    const {stay, patient} = first;
    const others = bed.occupants.filter(occupant => occupant !== first);
    const about = [patient?.mrn, doctor(stay), stay?.specialty].filter(Boolean).join(' · ');
    return html`<a class=${classMap(classes)} data-bed=${id} tabindex=${focus} href=${stay ? address('stay/' + stay.id) : nothing}
        @focus=${() => (this.focused = id)} @keydown=${event => this.#bedKeys(event, room, bed, stay, patient)}
        @dragstart=${() => (this.dragged = {stay: {...stay, bed: bed.code, room}, patient})} @dragover=${this.#over} @drop=${event => this.#dropped(event, null, {...stay, patient})}>
        <span class="hidden">${room.number}</span><b class="code">${bed.code}</b><span class="hidden">${named(bed.state)}</span>
        <span class="name">${nameOf(patient)}</span>
        <span class="age">${patient ? html`${age(patient.birthDate, this.#at)}&#8239;${SEX[patient.sex] ?? ''}` : ''}</span>
        <span class="day" title=${say('dayOfStay')}>${stay ? say('day', {n: dayOfStay(stay.admittedAt, this.#at)}) : ''}</span>
        <span class="second"><small class="about">${about}</small><span class="flags">${flag}${this.#flags(stay, bed, others)}</span></span>
      </a>`;
  }

  #flags(stay, bed, others) {
    if (!stay) return nothing;
    const flags = [];
    if (bed.state === 'KEPT' || stay.status === 'ON_LEAVE') flags.push(['kept', say('short.kept'), say('keptFor')]);
    if (others.length) flags.push(['child', `+${others.length}`, others.map(({patient}) => nameOf(patient)).join('; ')]);
    if (stay.confidentiality !== 'NORMAL') flags.push(['label', say('short.' + stay.confidentiality), named(stay.confidentiality)]);
    if (stay.expectedDischarge) {
      const isDue = localDay(stay.expectedDischarge) <= localDay(this.#at);
      flags.push([isDue ? 'due' : 'plan', `⇥ ${isDue ? short(stay.expectedDischarge) : short(stay.expectedDischarge).split(' ').slice(0, 2).join(' ')}`, `${named(stay.dischargePlan)}: ${short(stay.expectedDischarge)}`]);
    } else if (stay.dischargePlan === 'CLEARED') flags.push(['due', '⇥', named('CLEARED')]);
    for (const {kind, note} of bed.flags ?? [])
      flags.push(['raised', kind === 'NOTE' ? note : named(kind), [named(kind), note].filter(Boolean).join(': ')]);
    return flags.map(([kind, text, title]) => html`<i class="flag ${kind}" title=${title}>${text}</i>`);
  }

  #over(event) {
    if (this.dragged?.stay.id && !isPast()) event.preventDefault();
  }

  /** A patient dropped on a free bed is transferred; on another patient, the two swap. */
  #dropped(event, place, other) {
    event.preventDefault();
    const {stay} = this.dragged ?? {};
    if (!stay?.id || other?.id === stay.id) return;
    const command = place ? 'transferPatient' : 'swapBeds';
    if (may(command)) act(command, place ? {stayId: stay.id, ...place} : {stayId: stay.id, withStayId: other?.id}, {...this.dragged, about: place ? null : `⇄ ${nameOf(other.patient)}`});
    this.dragged = null;
  }

  #menu(room, bed, event) {
    const place = {ward: room.ward, room: room.number, bed: bed.code};
    const choices = [];
    if (bed.state === 'FREE' || bed.state === 'RESERVED') choices.push(['admitPatient', place]);
    if (bed.state === 'FREE') choices.push(['reserveBed', place], ['closeBed', place]);
    if (bed.state === 'FREE' || bed.state === 'TO_BE_CLEANED') choices.push(['startCleaning', place]);
    if (bed.state === 'CLEANING' || bed.state === 'TO_BE_CLEANED') choices.push(['finishCleaning', place]);
    if (bed.state === 'CLOSED') choices.push(['reopenBed', place]);
    if (bed.reservationId) choices.push(['releaseReservation', {...place, reservationId: bed.reservationId}]);
    this.dispatchEvent(new CustomEvent('menu', {bubbles: true, detail: {at: event.currentTarget, title: `${room.ward} ${bedName(room, bed)}: ${named(bed.state)}`, choices}}));
  }

  #bedKeys(event, room, bed, stay, patient) {
    if (!preferences.keys || event.ctrlKey || event.altKey || event.metaKey || !stay) return;
    const context = {patient, stay};
    const commands = {m: 'transferPatient', s: 'swapBeds', l: stay.status === 'ON_LEAVE' ? 'endLeave' : 'startLeave', v: 'recordVisit', p: 'writePrescription', x: 'dischargePatient'};
    const command = commands[event.key];
    if (!command || !may(command)) return;
    event.preventDefault();
    event.stopPropagation();
    act(command, {stayId: stay.id}, context);
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
export async function readOpen({ward, asOf = null, knownAt = null}, signal = undefined) {
  const found = [];
  let after = null;
  do {
    const {stays} = await ask('Open', {ward, asOf, knownAt, after}, signal);
    found.push(...stays.nodes);
    after = stays.pageInfo.hasNextPage ? stays.pageInfo.endCursor : null;
  } while (after);
  return found;
}

function differing(difference) {
  const found = new Map();
  for (const {room, before, after, facts} of difference.occupancyDifference)
    found.set(room.id + (after ?? before).code, facts.map(({summary}) => summary).join('\n') || say('differs'));
  return found;
}

const doctor = stay => stay?.attending?.familyName ?? '';

const strip = (title, stays, note) =>
  stays.length
    ? html`<section class="strip"><h2>${title} <span class="of">${stays.length}</span></h2>
        <ul>${repeat(stays, ({id}) => id, stay => html`<li><a href=${address('stay/' + stay.id)}>
          <span class="name">${nameOf(stay.patient)}</span> <small>${note(stay)}</small></a></li>`)}</ul></section>`
    : nothing;

customElements.define('wb-board', Board);
