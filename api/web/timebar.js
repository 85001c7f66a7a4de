/** The time bar: true at, known at, and both together. In the past it frames the whole page. */

import {html, nothing, live as lively} from './vendor/lit.js';
import {Plain, address, go, shell} from './shell.js';
import {clocks, dayTime, fullDay, hospital, isPast, moment, wall} from './time.js';
import {say} from './words.js';

const MINUTE = 60e3;
const SPANS = {day: 1440, week: 7 * 1440, quarter: 91 * 1440};

class TimeBar extends Plain {
  static properties = {route: {attribute: false}, marks: {attribute: false}, span: {state: true}};

  constructor() {
    super();
    this.span = 'week';
    this.marks = [];
    shell.addEventListener('read', () => this.isDue && this.#show());
  }

  #set(which, value) {
    const now = Date.now();
    const moment = value === null || value > now - MINUTE ? null : new Date(value).toISOString();
    clocks[which] = moment;
    if (clocks.locked) clocks.asOf = clocks.knownAt = moment;
    this.requestUpdate();
    this.#show();
  }

  /** Show the moment: at once, or when the screen has what it asks for. The browser goes back over it in one step. */
  #show() {
    this.isDue = !!(/** @type {any} */ (document.querySelector('main > *'))?.isReading);
    if (this.isDue) return;
    if (/[?&](at|known)=/.test(location.hash) && isPast()) location.replace(address(this.route.path, this.route.own));
    else go(this.route.path, this.route.own);
  }

  #lock(locked) {
    clocks.locked = locked;
    if (locked) clocks.knownAt = clocks.asOf;
    go(this.route.path, this.route.own);
  }

  /** Go back or on by some minutes, by keys and buttons: from a whole minute, of which the server keeps the answer. */
  step(minutes) {
    const which = clocks.locked || clocks.asOf || !clocks.knownAt ? 'asOf' : 'knownAt';
    this.#set(which, Math.floor((clocks[which] ? Date.parse(clocks[which]) : Date.now()) / MINUTE + minutes) * MINUTE);
  }

  now() {
    clocks.asOf = clocks.knownAt = null;
    clocks.locked = true;
    go(this.route.path, this.route.own);
  }

  #slider(which, label) {
    const end = Math.floor(Date.now() / MINUTE);
    const chosen = clocks[which] ? Date.parse(clocks[which]) : null;
    const minute = chosen === null ? end : Math.floor(chosen / MINUTE);
    const begin = Math.min(end - SPANS[this.span], minute);
    const shown = chosen === null ? say('now') : dayTime(chosen);
    return html`<div class="clock">
      <label for=${which}>${label}</label>
      <div class="slide">
        <input id=${which} type="range" min=${begin} max=${end} step="5" aria-valuetext=${shown}
          .value=${lively(String(minute))} @input=${event => this.#set(which, +event.target.value * MINUTE)}>
        ${this.marks.length
          ? html`<svg aria-hidden="true" viewBox="0 0 1000 4" preserveAspectRatio="none">
              ${this.marks.map(mark => {
                const x = ((Date.parse(mark) / MINUTE - begin) / (end - begin)) * 1000;
                return x < 0 ? nothing : svgTick(x);
              })}
            </svg>`
          : nothing}
      </div>
      <input class="exact" type="datetime-local" aria-label=${`${label}: ${say('exactly')}`} max=${wall(Date.now())}
        .value=${lively(wall(chosen ?? Date.now()))} @change=${event => event.target.value && this.#set(which, Date.parse(moment(event.target.value)))}>
      <output class=${chosen === null ? '' : 'is-past'}>${shown}</output>
    </div>`;
  }

  render() {
    const past = isPast();
    return html`<section class="timebar ${past ? 'past' : ''}" aria-label=${say('timeBar')}>
      <div class="steps">
        <button type="button" @click=${() => this.step(-60)} title=${say('back')} aria-label=${say('back')}>◀</button>
        <button type="button" @click=${() => this.step(60)} title=${say('on')} aria-label=${say('on')} ?disabled=${!past}>▶</button>
      </div>
      ${clocks.locked
        ? this.#slider('asOf', say('asItLooked'))
        : html`${this.#slider('asOf', say('trueAt'))}${this.#slider('knownAt', say('knownAt'))}`}
      <label class="lock"><input type="checkbox" .checked=${lively(clocks.locked)} @change=${event => this.#lock(event.target.checked)}> ${say('together')}</label>
      <select aria-label=${say('span')} @change=${event => (this.span = event.target.value)}>
        ${Object.keys(SPANS).map(name => html`<option value=${name} ?selected=${name === this.span}>${say('span.' + name)}</option>`)}
      </select>
      <span class="zone">${hospital.zone}</span>
      <button type="button" class="now" ?disabled=${!past} @click=${() => this.now()}>${say('now')} <kbd aria-hidden="true">n</kbd></button>
    </section>
    ${past ? html`<p class="pastline" role="status">${pastText()}</p>` : nothing}`;
  }
}

const svgTick = x => html`<svg x=${x - 2} y="0" width="4" height="4"><rect width="4" height="4"></rect></svg>`;

/** What one looks at, in a sentence. */
export function pastText() {
  const at = moment => `${dayTime(moment)} (${fullDay(moment).slice(-4)})`;
  if (clocks.asOf && clocks.asOf === clocks.knownAt) return say('past.both', {at: at(clocks.asOf)});
  if (clocks.asOf && clocks.knownAt) return say('past.apart', {at: at(clocks.asOf), known: at(clocks.knownAt)});
  if (clocks.asOf) return say('past.true', {at: at(clocks.asOf)});
  return say('past.known', {known: at(clocks.knownAt)});
}

customElements.define('wb-timebar', TimeBar);
