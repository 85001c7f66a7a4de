/** A ward on the board: its rooms and beds. It is drawn anew only when something of it was changed. */

import {classMap, html, live as lively, nothing, repeat} from './vendor/lit.js';
import {Plain, act, address, nameOf, preferences, readdressed} from './shell.js';
import {ask} from './gql.js';
import {may} from './session.js';
import {age, day, dayOfStay, isPast, localDay, short} from './time.js';
import {named, say} from './words.js';

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

/** For whom a bed is reserved; nothing where the role may not see it. The board does not ask it for each bed. */
async function reservedFor(id, code) {
  const {room} = await ask('ReservedFor', {room: id});
  const {reservedStay, reservedPatient} = room.beds.find(bed => bed.code === code);
  const patient = reservedStay?.patient ?? reservedPatient;
  return patient ? nameOf(patient) : '';
}

/** Who is dragged, from any ward to any. */
let dragged = null;

class Ward extends Plain {
  static properties = {name: {attribute: false}, rooms: {attribute: false}, today: {attribute: false}, differs: {attribute: false}, isAlone: {attribute: false}, look: {attribute: false}, clock: {attribute: false}};

  /** At another moment with the same in it, its links alone are others. */
  shouldUpdate(changed) {
    if (changed.size > 1 || !changed.has('clock')) return true;
    for (const link of this.querySelectorAll('a[href]')) link.setAttribute('href', readdressed(link.getAttribute('href')));
    return false;
  }

  updated() {
    const board = this.parentElement; // one bed of the board is reached by Tab, the others from it by arrows
    if (!board.querySelector('[data-bed][tabindex="0"]')) board.querySelector('[data-bed]')?.setAttribute('tabindex', '0');
  }

  render() {
    const {name, rooms} = this;
    const count = totals(rooms);
    const taken = (count.OCCUPIED ?? 0) + (count.KEPT ?? 0);
    return html`<section class="ward" aria-label=${name}>
      <h2><a href=${lively(address('board', {ward: this.isAlone ? '' : name}))}>${name}</a>
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
    const differs = this.differs.get(id);
    const classes = {bed: true, [`state-${bed.state}`]: true, differs: !!differs};
    const flag = differs ? html`<i class="flag differs" title=${differs}>≠</i>` : nothing;
    if (!first)
      return html`<button type="button" class=${classMap(classes)} data-bed=${id} tabindex="-1"
        @click=${event => this.#menu(room, bed, event)}
        @dragover=${this.#over} @drop=${event => this.#dropped(event, {ward: room.ward, room: room.number, bed: bed.code})}>
        <span class="hidden">${room.number}</span> <b class="code">${bed.code}</b><span class="who"><span class="word">${named(bed.state)}</span>
        <small>${bed.stateReason ?? ''} ${bed.until ? say('until', {at: short(bed.until)}) : ''}</small></span>${flag}</button>`;
    const {stay, patient} = first;
    const others = bed.occupants.filter(occupant => occupant !== first);
    const about = [preferences.privacy ? null : patient?.mrn, doctor(stay), stay?.specialty].filter(Boolean).join(' · ');
    return html`<a class=${classMap(classes)} data-bed=${id} tabindex="-1" href=${stay ? lively(address('stay/' + stay.id)) : nothing}
        @keydown=${event => this.#bedKeys(event, room, bed, stay, patient)}
        @dragstart=${() => (dragged = {stay: {...stay, bed: bed.code, room}, patient})} @dragover=${this.#over} @drop=${event => this.#dropped(event, null, {...stay, patient})}>
        <span class="hidden">${room.number}</span><b class="code">${bed.code}</b><span class="hidden">${named(bed.state)}</span>
        <span class="name">${nameOf(patient)}</span>
        <span class="age">${patient ? html`${age(patient.birthDate, this.today)}&#8239;${say('short.' + (patient.sex ?? 'UNKNOWN'))}` : ''}</span>
        <span class="day" title=${say('dayOfStay')}>${stay ? say('day', {n: dayOfStay(stay.admittedAt, this.today)}) : ''}</span>
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
      const isDue = localDay(stay.expectedDischarge) <= this.today;
      flags.push([isDue ? 'due' : 'plan', `⇥ ${(isDue ? short : day)(stay.expectedDischarge)}`, `${named(stay.dischargePlan)}: ${short(stay.expectedDischarge)}`]);
    } else if (stay.dischargePlan === 'CLEARED') flags.push(['due', '⇥', named('CLEARED')]);
    for (const {kind, note} of bed.flags ?? [])
      flags.push([kind === 'NOTE' ? 'raised note' : 'raised', kind === 'NOTE' ? note : named(kind), [named(kind), note].filter(Boolean).join(': ')]);
    return flags.map(([kind, text, title]) => html`<i class="flag ${kind}" title=${title}>${text}</i>`);
  }

  #over(event) {
    if (dragged?.stay.id && !isPast()) event.preventDefault();
  }

  /** A patient dropped on a free bed is transferred; on another patient, the two swap. */
  #dropped(event, place, other) {
    event.preventDefault();
    const {stay} = dragged ?? {};
    if (!stay?.id || other?.id === stay.id) return;
    const command = place ? 'transferPatient' : 'swapBeds';
    if (may(command)) act(command, place ? {stayId: stay.id, ...place} : {stayId: stay.id, withStayId: other?.id}, {...dragged, about: place ? null : `⇄ ${nameOf(other.patient)}`});
    dragged = null;
  }

  async #menu(room, bed, {currentTarget}) {
    const place = {ward: room.ward, room: room.number, bed: bed.code, bedStateId: bed.bedStateId};
    const choices = [];
    if (bed.state === 'FREE' || bed.state === 'RESERVED') choices.push(['admitPatient', place]);
    if (bed.state === 'FREE') choices.push(['reserveBed', place], ['closeBed', place]);
    if (bed.state === 'FREE' || bed.state === 'TO_BE_CLEANED') choices.push(['startCleaning', place]);
    if (bed.state === 'CLEANING' || bed.state === 'TO_BE_CLEANED') choices.push(['finishCleaning', place]);
    if (bed.state === 'CLOSED') choices.push(['reopenBed', place]);
    if (bed.reservationId) choices.push(['releaseReservation', {...place, reservationId: bed.reservationId}]);
    const who = bed.reservationId && !isPast() ? await reservedFor(room.id, bed.code).catch(() => '') : '';
    this.dispatchEvent(new CustomEvent('menu', {bubbles: true, detail: {at: currentTarget, title: `${room.ward} ${bedName(room, bed)}: ${named(bed.state)} ${who}`, choices}}));
  }

  #bedKeys(event, room, bed, stay, patient) {
    if (!preferences.keys || event.ctrlKey || event.altKey || event.metaKey || !stay) return;
    const context = {patient, stay: {...stay, room, bed: bed.code}};
    const commands = {m: 'transferPatient', s: 'swapBeds', l: stay.status === 'ON_LEAVE' ? 'endLeave' : 'startLeave', v: 'recordVisit', p: 'writePrescription', x: 'dischargePatient'};
    const command = commands[event.key];
    if (!command || !may(command)) return;
    event.preventDefault();
    event.stopPropagation();
    act(command, {stayId: stay.id}, context);
  }
}

const doctor = stay => stay?.attending?.familyName ?? '';

customElements.define('wb-ward', Ward);
