/** The page: login, screens by address, keys, what was recorded, and the time bar around all. */

import {html, keyed, nothing} from './vendor/lit.js';
import {Plain, act, address, failure, go, preferences, refresh, shell} from './shell.js';
import {loadForms, loadRights, rights} from './forms.js';
import {ask, askAll, live, loadOperations} from './gql.js';
import {acts, isAlive, logIn, may, purpose, role, session, setPurpose, setViewer, tabs, takeToken, token, viewer} from './session.js';
import {house, leave, loadHouse, logInHere, logInOver, renew, takeAnswer} from './login.js';
import {dayTime, hospital, isPast, readClocks, time} from './time.js';
import {language, languages, loadWords, named, say, says, translate} from './words.js';
import {entryOf, subjectOf, wayName, waysAfter, waysOf} from './putright.js';
import './timebar.js';
import './board.js';

/** The scripts of screens that have not their own name. The board is there at once; what another needs is loaded when it is
 * shown, and what forms need when the first screen is there. */
const SCRIPTS = {patient: 'find', mend: 'lists', access: 'lists', acts: 'lists'};

/** Each screen with the right that it needs, and its letter after g. */
const SCREENS = {
  board: ['room_occupancy', 'b'],
  find: ['patients', 'f'],
  flow: ['room_occupancy', 'w'],
  doses: ['prescription', 'd'],
  house: ['room_occupancy', 'h'],
  mend: ['deceased', 'm'],
  reports: ['report', 'r'],
  access: ['accesses', 'x'],
  acts: [null, 'a'],
  explorer: ['introspection', 'e'],
};
const isOffered = right => (right ? may(right) : acts());
const isScreen = name => name in SCREENS || /^(patient|stay)$/.test(name);
const LOGOFF_MINUTES = 'wardbook-logoff';
/** So long the bar stays that says what was recorded. */
const NOTICE = 20e3;
/** A login is renewed when less than this is left of it. */
const RENEW_BEFORE = 90e3;

/** Why nothing is offered after an act: it ends by itself, nothing brings it back, or others put it right. */
function whyNone(command, ways, {until}) {
  if (ways.length) return say('after.others', {roles: rights.commands[ways[0][0]].filter(each => each !== 'service').map(named).join(', ')});
  const key = 'after.' + (/^cancel/.test(command) ? 'cancel' : command);
  return says(key) ? say(key, {at: until && dayTime(until)}) : '';
}

class App extends Plain {
  static properties = {route: {state: true}, order: {state: true}, notice: {state: true}, menu: {state: true}, isExpired: {state: true}, loginError: {state: true}, wards: {state: true}, help: {state: true}, marks: {state: true}, isLost: {state: true}};

  constructor() {
    super();
    this.wards = [];
    this.marks = [];
    this.#route();
    addEventListener('hashchange', () => {
      takeToken();
      if (location.hash !== this.routed) this.#route();
    });
    addEventListener('keydown', event => this.#keys(event));
    for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => (this.lastAct = Date.now()), {passive: true});
    addEventListener('pointerdown', event => /** @type {Element} */ (event.target).closest?.('.me') || this.#closeMenu());
    setInterval(() => this.#tick(), 30e3);
    this.lastAct = Date.now();
    shell.addEventListener('read', () => requestIdleCallback(() => this.#prepare().catch(() => null), {timeout: 2000}), {once: true});
    shell.addEventListener('act', async (/** @type {CustomEvent} */ {detail}) => {
      if (!customElements.get('wb-form')) await this.#prepare();
      this.order = detail;
    });
    shell.addEventListener('recorded', (/** @type {CustomEvent} */ {detail}) => this.#recorded(detail));
    session.addEventListener('expired', () => (this.isExpired = true));
    session.addEventListener('login', () => {
      this.isExpired = false;
      this.loginError = null;
      this.#begin();
    });
    session.addEventListener('renewed', () => this.#begin(false));
    tabs.onmessage = ({data}) => viewer?.subject === data && this.#leave(false);
    live.addEventListener('state', () => this.requestUpdate());
    addEventListener('beforeprint', () => this.requestUpdate()); // which says when it was printed
    addEventListener('offline', () => this.requestUpdate());
    addEventListener('online', () => this.isLost && this.#load(this.route.screen));
    this.addEventListener('menu', (/** @type {CustomEvent} */ {detail}) => (this.menu = detail));
    this.addEventListener('marks', (/** @type {CustomEvent} */ {detail}) => (this.marks = detail));
    this.#begin();
  }

  /** Learn who asks and which hospital it is; then what the screen shows can be asked for. */
  async #begin(isNew = true) {
    if (!token()) return this.requestUpdate();
    try {
      const answer = await ask('Start');
      if (viewer && (viewer.subject !== answer.viewer.subject || viewer.issuer !== answer.viewer.issuer)) this.order = this.shownKey = null; // typed by somebody else
      setViewer(answer.viewer);
      if (!isNew) return;
      const {timeZone, ...own} = answer.hospital;
      Object.assign(hospital, {...own, zone: timeZone});
    } catch (error) {
      this.failed = error;
      return this.requestUpdate();
    }
    this.failed = null;
    this.requestUpdate();
    refresh();
    this.wards = (await ask('Wards').catch(() => ({wards: []}))).wards.map(({name}) => name);
  }

  #prepare() {
    return (this.forms ??= loadForms().catch(error => {
      this.forms = null;
      throw error;
    }));
  }

  #tick() {
    const minutes = Math.min(+(localStorage.getItem(LOGOFF_MINUTES) || Infinity), house.logoffMinutes || Infinity);
    if (token() && Date.now() - this.lastAct > minutes * 60e3) this.#leave(false);
    if (token() && viewer && Date.parse(viewer.until) - Date.now() < RENEW_BEFORE) renew();
    if (token() && !isAlive()) this.isExpired = true;
  }

  /** Log out, by wish or for want of use; nothing that was shown or typed stays. */
  #leave(isWished) {
    this.order = this.notice = this.menu = null;
    this.isExpired = false;
    if (isWished) tabs.postMessage(viewer?.subject);
    leave(isWished);
    this.requestUpdate();
  }

  #route() {
    this.routed = location.hash;
    const [path, query] = location.hash.slice(2).split('?');
    const parameters = new URLSearchParams(query);
    readClocks(parameters);
    const own = Object.fromEntries(parameters);
    for (const name of ['at', 'known', 'apart']) delete own[name];
    const [screen, id] = (path || 'board').split('/');
    if (screen === 'board' && !('ward' in own) && !path && preferences.ward) own.ward = preferences.ward;
    this.#load(screen);
    this.route = {path: path || 'board', screen: screen || 'board', id, own};
    this.marks = [];
    this.menu = null;
    this.#closeMenu();
  }

  /** Close the menu at the name. */
  #closeMenu() {
    this.querySelector('.me[open]')?.removeAttribute('open');
  }

  /** Load the script of a screen. Where it cannot be, that is said, until one goes there again. */
  async #load(screen) {
    this.isLost = false;
    if (isScreen(screen)) await import(`./${SCRIPTS[screen] ?? screen}.js`).catch(() => (this.isLost = this.route.screen === screen));
  }

  async #recorded({command, values, outcome, context, stayId}) {
    const subject = context.patient ? null : subjectOf(values);
    const who = subject ?? [context.patient.familyName, context.patient.givenName].filter(Boolean).join(', ');
    const notice = {text: say('recorded', {command: named(command), who, at: time(outcome.recordedAt)}), stayId, context, command, patient: /^(registerPatient|breakGlass)$/.test(command) ? outcome.patient : null, parked: outcome.__typename === 'Parked' ? outcome.message : null};
    this.notice = notice;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => this.#dropNotice(), NOTICE);
    if (command === 'setHospitalTime') this.#begin(); // every time is said by it
    const timeline = stayId && may('timeline') ? await askAll('Timeline', {stayId, read: 'ALL'}).catch(() => null) : null;
    const [movement] = outcome.movements ?? [];
    const entry = timeline ? timeline.findLast(({position}) => position === outcome.position) : movement && {...entryOf(stayId, movement), content: {...values, bed: values}};
    const all = entry ? waysOf(entry, () => true) : waysAfter(command, values, outcome);
    const ways = all.filter(([command]) => may(command));
    if (this.notice === notice) this.notice = {...notice, ways, none: ways.length ? '' : whyNone(command, all, outcome), about: entry?.summary ? translate(entry.summary) : subject || null};
  }

  /** Take the notice away, but not from who is about to use it. */
  #dropNotice() {
    if (this.querySelector('.notice:is(:hover, :focus-within)')) this.noticeTimer = setTimeout(() => this.#dropNotice(), NOTICE);
    else this.notice = null;
  }

  #keys(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
      this.menu = null;
      this.notice = null;
      return this.#closeMenu();
    }
    // the focus stays in a dialog that was closed until the next frame
    const isTyping = event.target.matches('input, select, textarea') && !event.target.closest('dialog:not([open])');
    if (!preferences.keys || isTyping || document.querySelector('dialog[open]')) return;
    if (this.wentG) {
      this.wentG = false;
      const found = Object.entries(SCREENS).find(([, [right, letter]]) => letter === event.key && isOffered(right));
      if (found) return event.preventDefault(), go(found[0]);
    }
    const bar = this.querySelector('wb-timebar');
    const button = this.querySelector(`main [data-key="${CSS.escape(event.key)}"]`);
    const does = button ? () => button.click() : {
      g: () => (this.wentG = true),
      '/': () => go('find'),
      '?': () => (this.help = true),
      '[': () => bar.step(-60),
      ']': () => bar.step(60),
      '{': () => bar.step(-1440),
      '}': () => bar.step(1440),
      n: () => bar.now(),
      a: () => may('admitPatient') && act('admitPatient', {ward: this.route.own.ward}),
    }[event.key];
    if (does) event.preventDefault(), does();
  }

  render() {
    if (!token()) {
      this.shownKey = null; // nothing of one login is shown in the next
      return this.#login(false);
    }
    if (!viewer) return html`<main>${this.failed && !this.isExpired ? failure(this.failed) : nothing}</main>${this.isExpired ? this.#login(true) : nothing}`;
    return html`<a class="skip" href="#main" @click=${event => (event.preventDefault(), this.querySelector('main').focus())}>${say('skip')}</a>
      ${this.#header()}
      <wb-timebar .route=${this.route} .marks=${this.marks}></wb-timebar>
      <p class="printed">${hospital.name === 'main' ? '' : hospital.name} ${say('printed', {at: `${dayTime(Date.now())} ${hospital.zone}`})} · ${viewer.subject}</p>
      <main id="main" tabindex="-1" class=${isPast() ? 'past' : ''}>${this.#screen()}</main>
      ${this.#menuOf()}
      ${this.#formOf(this.order)}
      ${this.#noticeOf()}
      ${this.help ? this.#helpOf() : nothing}
      ${this.isExpired ? this.#login(true) : nothing}`;
  }

  #screen() {
    const route = this.route;
    const screen = SCREENS[route.screen];
    if (screen && !isOffered(screen[0])) return html`<div><h1>${say(route.screen)}</h1><p class="failure" role="alert"><strong>${say('notAllowed')}</strong></p></div>`;
    if (this.isLost) return html`<div><h1>${say(route.screen)}</h1>${failure({code: 'OFFLINE'})}</div>`;
    const key = `${route.screen} ${route.id}`;
    if (this.shownKey !== key) this.shown = document.createElement(`wb-${isScreen(route.screen) ? route.screen : 'board'}`);
    this.shownKey = key;
    return Object.assign(this.shown, {route, wards: this.wards});
  }

  #header() {
    const state = !navigator.onLine ? 'lost' : live.isFollowing ? live.state : 'off';
    return html`<header class="top">
      <a class="logo" href="#/board"><img src="web/icon.svg" alt="" width="22" height="22">${hospital.name && hospital.name !== 'main' ? hospital.name : 'Wardbook'}</a>${hospital.simulated ? html`<i class="flag due">${say('simulated')}</i>` : nothing}
      <nav aria-label=${say('screens')}>${Object.entries(SCREENS).filter(([, [right]]) => isOffered(right)).map(([name, [, letter]]) =>
        html`<a href=${address(name, name === 'board' || name === 'doses' ? {ward: preferences.ward} : {})} aria-current=${this.route.screen === name ? 'page' : nothing} title=${`g ${letter}`}>${say(name === 'flow' ? 'flow.short' : name)}</a>`)}</nav>
      <span class="dot ${state === 'off' && !isPast() ? 'hidden' : ''} ${isPast() ? 'past' : state}" role="status">${say(isPast() ? 'live.past' : 'live.' + state)}</span>
      <details class="me"><summary>${viewer.subject}<span class="role"> · ${named(role())}</span></summary><div>
        <label><input type="checkbox" .checked=${preferences.privacy} @change=${event => ((preferences.privacy = event.target.checked), refresh())}> ${say('privacy')}</label>
        <label><input type="checkbox" .checked=${preferences.keys} @change=${event => ((preferences.keys = event.target.checked), this.requestUpdate())}> ${say('keys')}</label>
        <label>${say('language')} <select @change=${async event => (await loadWords(event.target.value), this.requestUpdate(), refresh())}>${languages.map(each => html`<option value=${each} ?selected=${each === language()}>${say('language.' + each)}</option>`)}</select></label>
        <label>${say('purpose')} <select @change=${event => setPurpose(event.target.value)}>${viewer.purposes.map(each => html`<option value=${each} ?selected=${each === purpose()}>${named(each)}</option>`)}</select></label>
        <label>${say('logoff')} <input type="number" min="0" max=${house.logoffMinutes || 600} .value=${localStorage.getItem(LOGOFF_MINUTES) ?? ''} @change=${event => localStorage.setItem(LOGOFF_MINUTES, event.target.value)}></label>
        <button type="button" @click=${() => (this.help = true)}>${say('help')} <kbd aria-hidden="true">?</kbd></button>
        <a href="docs">${say('api')}</a>
        <button type="button" @click=${() => this.#leave(true)}>${say('logOut')}</button></div></details>
    </header>`;
  }

  /** A form of its own for each order: that a former one is closed is heard a task later, when the next may be open. */
  #formOf(order) {
    if (!order) return nothing;
    return keyed(order, html`<wb-form .order=${order} @closed=${() => this.order === order && (this.order = order.context.before ?? null)}></wb-form>`);
  }

  #menuOf() {
    if (!this.menu) return nothing;
    const {title, choices, at} = this.menu;
    const offered = choices.filter(([command]) => may(command));
    return html`<dialog class="menu" aria-label=${title} @close=${({target}) => {
        if (target.open || !target.isConnected) return; // opened again, or gone
        this.menu = null;
        at.focus();
      }}><h2>${title}</h2>
      ${offered.length ? html`<ul>${offered.map(([command, values]) => html`<li><button type="button" @click=${() => {
        this.querySelector('dialog.menu').close();
        this.menu = null;
        act(command, values, {about: title});
      }}>${named(command)}</button></li>`)}</ul>` : html`<p class="quiet">${say('nothingToDo')}</p>`}
      <button type="button" class="plain" @click=${() => this.querySelector('dialog.menu').close()}>${say('close')}</button></dialog>`;
  }

  updated(changed) {
    const isNew = changed.has('menu') || changed.has('help'); // one that was closed a moment ago is not opened again
    for (const each of this.querySelectorAll(':scope > dialog')) if (!each.open && (isNew || !each.matches('.menu'))) each.showModal();
    const current = this.querySelector('nav [aria-current]');
    if (current !== this.current) current?.scrollIntoView({inline: 'center', block: 'nearest'}); // which lays out the page
    this.current = current;
    document.title = `${isPast() ? '⏱ ' : ''}${say(this.route.screen)} – Wardbook`;
  }

  #noticeOf() {
    return html`<div class="notices" role="status" aria-live="polite">${this.notice
      ? html`<div class="notice"><span>✓ ${this.notice.text}${this.notice.parked ? ` ${this.notice.parked}` : ''}</span>
          ${(this.notice.ways ?? []).map(([command, values]) => html`<button type="button" @click=${() => act(command, values, {...this.notice.context, about: this.notice.about ?? this.notice.context.about})}>${say(wayName(command))}</button>`)}
          ${this.notice.none ? html`<span>${this.notice.none}</span>` : nothing}
          ${this.notice.command === 'registerPatient' && may('admitPatient') ? html`<button type="button" @click=${() => act('admitPatient', {...this.notice.context.arrival, patientMrn: this.notice.patient.mrn, mrnAuthority: this.notice.patient.mrnAuthority}, this.notice.context)}>${named('admitPatient')}</button>` : nothing}
          ${this.notice.patient && this.route.id !== this.notice.patient.id ? html`<a href=${address('patient/' + this.notice.patient.id)}>${say('openPatient')}</a>` : nothing}
          ${this.notice.stayId && this.route.id !== this.notice.stayId ? html`<a href=${address('stay/' + this.notice.stayId)}>${say('openStay')}</a>` : nothing}
          <button type="button" class="plain" aria-label=${say('close')} @click=${() => (this.notice = null)}>✕</button></div>` : nothing}</div>`;
  }

  #helpOf() {
    const keys = say('help.keys').split('\n').map(line => line.split('|'));
    return html`<dialog class="menu help" aria-label=${say('help')} @close=${({target}) => (this.help = target.open)}><h2>${say('help')}</h2>
      <dl>${keys.map(([letters, does]) => html`<div><dt>${letters.split(' ').map(letter => html`<kbd>${letter}</kbd> `)}</dt><dd>${does}</dd></div>`)}</dl>
      <button type="button" @click=${() => this.querySelector('dialog.help').close()}>${say('close')}</button></dialog>`;
  }

  #login(over) {
    const enter = event => {
      event.preventDefault();
      logIn(event.target.elements.token.value);
      this.requestUpdate();
    };
    const problem = this.loginError ?? (viewer ? null : this.failed);
    const error = problem ? html`<p class="failure" role="alert">${say(problem.key ?? 'failed')} ${problem.message}</p>` : nothing;
    const byProvider = async () => {
      this.loginError = null;
      await (over ? logInOver() : logInHere()).catch(failed => (this.loginError = failed));
    };
    const form = house.login
      ? html`<div class="login"><h1>Wardbook</h1>${error}
          <p>${say(over ? 'login.expired' : 'login.provider')}</p>
          <button class="primary" type="button" autofocus @click=${byProvider}>${say('login')}</button></div>`
      : html`<form class="login" @submit=${enter}><h1>Wardbook</h1>
          <p>${say(over ? 'login.expired' : 'login.how')}</p>
          <label for="token">${say('login.token')}</label><input id="token" name="token" type="password" autocomplete="off" required>
          <button class="primary" type="submit">${say('login')}</button>
          <p class="quiet"><a href="docs">${say('api')}</a></p></form>`;
    return over ? html`<dialog @cancel=${event => event.preventDefault()}>${form}</dialog>` : html`<main>${form}</main>`;
  }
}

takeToken(); // before anything is waited for: it leaves the address at once
const texts = Promise.all([loadWords(), loadRights(), loadOperations()]);
await loadHouse();
let failed = null;
if (!(await takeAnswer().catch(error => ((failed = error), false)))) {
  await texts;
  customElements.define('wb-app', App);
  Object.assign(document.querySelector('wb-app'), {loginError: failed});
}
