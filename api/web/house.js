/** The house: cleaning, closures and reservations as lists to work off, and all rooms with their rules. */

import {html, nothing} from './vendor/lit.js';
import {Screen, act, address, nameOf, scroll} from './shell.js';
import {ask} from './gql.js';
import {may} from './session.js';
import {clockTimes, isPast, short} from './time.js';
import {button as actButton, section} from './lists.js';
import {named, say} from './words.js';

const button = (command, values, about) => actButton(command, values, {about});

class House extends Screen {
  async read(signal) {
    const {roomOccupancy, position} = await ask('Beds', clockTimes(), signal);
    if (!isPast()) this.follow('BedsFollowing', null, position, 'roomOccupancyChanged', this.refreshSoon);
    return roomOccupancy;
  }

  view() {
    const rooms = this.data;
    const beds = rooms.flatMap(({room, beds}) => beds.map(bed => ({room, bed, place: {ward: room.ward, room: room.number, bed: bed.code, bedStateId: bed.bedStateId}})));
    const of = (...states) => beds.filter(({bed}) => states.includes(bed.state));
    return html`<h1>${say('house')}</h1>
      <div class="acts">${['openRoom', 'addBed', 'renameWard', 'setBedCleaning', 'closeBed', 'reserveBed', 'retireBeds'].filter(may).map(command => html`<button type="button" @click=${() => act(command)}>${named(command)}</button>`)}</div>
      <div class="columns thirds">
        ${list(say('toClean'), of('TO_BE_CLEANED', 'CLEANING'), ({bed, place}, about) => [bed.state === 'TO_BE_CLEANED' ? button('startCleaning', place, about) : nothing, button('finishCleaning', place, about)])}
        ${list(named('CLOSED'), of('CLOSED'), ({bed, place}, about) => [button('reopenBed', place, about), bed.bedStateId ? button('correctBedState', place, about) : nothing])}
        ${list(named('RESERVED'), beds.filter(({bed}) => bed.reservationId), ({bed, place}, about) => [button('admitPatient', place, about), button('releaseReservation', {...place, reservationId: bed.reservationId}, about)])}
      </div>
      <div class="free-beds">
        ${list(named('FREE'), of('FREE'), ({place}, about) => [button('admitPatient', place, about), button('reserveBed', place, about), button('closeBed', place, about)])}
      </div>
      <section class="card"><h2>${say('rooms')}</h2>${scroll(say('rooms'), html`<table>
        <thead><tr>${['ward', 'room', 'beds', 'policy'].map(name => html`<th scope="col">${named(name)}</th>`)}<td></td></tr></thead>
        <tbody>${rooms.map(({room, beds}) => {
          const place = {ward: room.ward, room: room.number};
          const about = `${room.ward} ${room.number}`;
          return html`<tr><td>${room.ward}</td><th scope="row">${room.number}</th><td>${beds.map(({code}) => code).join(' ')}</td><td>${room.policies.map(named).join(', ')}</td>
            <td>${button('addBed', place, about)}${button('setRoomPolicy', place, about)}${button('changeRoom', place, about)}${button('correctRoom', place, about)}</td></tr>`;
        })}</tbody></table>`)}</section>`;
  }
}

const list = (title, beds, ways) => section(title, beds, each => {
  const {room, bed} = each;
  const about = `${room.ward} ${room.number}-${bed.code}`;
  const {stay, patient} = bed.occupants[0] ?? {stay: bed.reservedStay, patient: bed.reservedStay?.patient ?? bed.reservedPatient};
  const name = patient || stay ? nameOf(patient) : '';
  return html`<b>${about}</b> ${named(bed.state) === title ? nothing : html`<span class="status">${named(bed.state)}</span>`}
    <small>${bed.since && bed.state !== 'FREE' ? short(bed.since) : ''}${bed.until ? ` – ${short(bed.until)}` : ''} ${bed.stateReason ?? ''} ${stay ? html`<a href=${address('stay/' + stay.id)}>${name}</a>` : name}</small>
    <span class="does noprint">${ways(each, about)}</span>`;
});

customElements.define('wb-house', House);
