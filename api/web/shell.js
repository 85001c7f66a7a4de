/** What every screen shares: where to go, what to do, what was told. */

import {LitElement, html} from './vendor/lit.js';
import {live} from './gql.js';
import {clockParameters} from './time.js';
import {wards as ownWards} from './session.js';
import {say} from './words.js';

export const shell = new EventTarget();

/** Parameters as parts of an address. */
const parts = parameters =>
  Object.entries(parameters).filter(([, value]) => value).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);

const joined = (path, those) => (those.length ? `${path}?${those.join('&')}` : path);

/** Go to a screen, with the clocks as they are; `more` are its own parameters. */
export const address = (path, more = {}) => joined(`#/${path}`, parts({...clockParameters(), ...more}));

/** The address of a link with the clocks as they are by now. */
export function readdressed(href) {
  const [path, ...query] = href.split(/[?&]/);
  return joined(path, [...parts(clockParameters()), ...query.filter(part => !/^(?:at|known|apart)=/.test(part))]);
}

export const go = (path, more) => (location.hash = address(path, more));

/** Open the form of a command. `values` fill its fields; those in `fixed` are shown, not asked. */
export const act = (command, values = {}, context = {}) =>
  shell.dispatchEvent(new CustomEvent('act', {detail: {command, values, context}}));

/** Show something again that was read before: what was recorded may have changed it. */
export const refresh = () => shell.dispatchEvent(new Event('refresh'));

let isPrivate = localStorage.getItem('wardbook-privacy') === '1'; // asked for with each name

export const preferences = {
  get ward() {
    return localStorage.getItem('wardbook-ward') || null;
  },
  set ward(name) {
    localStorage.setItem('wardbook-ward', name ?? '');
  },
  get privacy() {
    return isPrivate;
  },
  set privacy(on) {
    isPrivate = on;
    localStorage.setItem('wardbook-privacy', on ? '1' : '');
  },
  get keys() {
    return localStorage.getItem('wardbook-keys') !== 'off';
  },
  set keys(on) {
    localStorage.setItem('wardbook-keys', on ? '' : 'off');
  },
};

/** A person's name as it may stand on a wall: initials in privacy mode. */
export function nameOf(person) {
  if (!person) return say('hidden');
  const {familyName, givenName} = person;
  if (!familyName && !givenName) return say('unidentified');
  if (preferences.privacy) return [familyName, givenName].map(part => (part ? part[0] + '.' : '')).join(' ');
  return [familyName, givenName].filter(Boolean).join(', ');
}

/** An element in the page's own style sheet, without a shadow. */
export class Plain extends LitElement {
  createRenderRoot() {
    return this;
  }
}

/** A screen: it reads again for each route, and whenever something was recorded. */
export class Screen extends Plain {
  /** @type {Record<string, object>} */
  static properties = {route: {attribute: false}, wards: {attribute: false}, data: {state: true}, error: {state: true}};

  /** Whether it asks for what it shows: nothing is drawn by it. */
  isReading = false;

  /** Ends what is followed live; null where nothing is.
   * @type {(() => void) | null} */
  unfollow = null;
  /** The next reading, where it is noted.
   * @type {any} */
  timer = 0;
  #again = () => this.#read();
  #abort = null;

  connectedCallback() {
    super.connectedCallback();
    shell.addEventListener('refresh', this.#again);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    shell.removeEventListener('refresh', this.#again);
    this.#abort?.abort();
    this.stop();
  }

  updated(changed) {
    if (changed.has('route')) this.#read();
  }

  async #read() {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.isReading = true;
    try {
      this.stop();
      const data = await this.read(abort.signal);
      if (abort.signal.aborted) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (error.name === 'AbortError' || abort.signal.aborted) return;
      this.error = error;
    }
    this.isReading = false;
    shell.dispatchEvent(new Event('read'));
  }

  /** Read what the screen shows.
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>} */
  async read(signal) {}

  /** Show what was read. */
  view() {}

  /** Follow what is shown from a position on: a ward, the house, or each ward that one may see. */
  follow(name, ward, after, field, onItem) {
    const wards = ward ? [ward] : (ownWards() ?? [null]);
    const ends = wards.map(each => live.follow(name, {ward: each}, after, field, onItem));
    this.unfollow = () => ends.forEach(end => end());
  }

  /** Read again soon, once for all that is told until then. */
  refreshSoon = () => {
    clearTimeout(this.timer);
    this.timer = setTimeout(refresh, 200);
  };

  /** End what was followed. */
  stop() {
    this.unfollow?.();
    this.unfollow = null;
    clearTimeout(this.timer);
  }

  render() {
    if (this.error) return failure(this.error);
    if (this.data === undefined) return html`<p class="quiet" role="status">${say('reading')}</p>`;
    return this.view();
  }
}

/** Save a text as a file. */
export function save(name, type, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export const failure = error => html`<p class="failure" role="alert">
  <strong>${say(error.code === 'OFFLINE' ? 'offline' : error.code === 'NOT_ALLOWED' ? 'notAllowed' : 'failed')}</strong>
  ${error.message}
</p>`;

/** What is wider than the screen, which scrolls by itself, also by keys. */
export const scroll = (label, wide, kind = '') => html`<div class="scroll ${kind}" tabindex="0" role="region" aria-label=${label}>${wide}</div>`;

/** The choice of a ward, or of all that one may see. */
export const wardChoice = (route, names = []) => html`<select class="ward-choice" aria-label=${say('ward')} @change=${event => {
  preferences.ward = event.target.value;
  go(route.screen, {ward: event.target.value});
}}><option value="">${say(ownWards() ? 'myWards' : 'wholeHouse')}</option>${names.map(name => html`<option ?selected=${name === route.own.ward}>${name}</option>`)}</select>`;
