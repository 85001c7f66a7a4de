/** The login of this tab: the token that came in the link's fragment, what it may do, and for how long. */

import {rights} from './forms.js';

const KEY = 'wardbook-token';
export const session = new EventTarget();

/** Take the token out of the address, so that no history and no screenshot keeps it. */
export function takeToken() {
  const given = /^#token=([\w.-]+)/.exec(location.hash);
  if (!given) return;
  sessionStorage.setItem(KEY, given[1]);
  history.replaceState(null, '', location.pathname + '#/board');
}

export const token = () => sessionStorage.getItem(KEY);

/** Keep a token for this tab. */
export const setLogin = given => sessionStorage.setItem(KEY, given);

export function logIn(given) {
  setLogin(given.trim().replace(/^.*#token=/, ''));
  session.dispatchEvent(new Event('login'));
}

/** The other tabs of this browser: who logs out in one is logged out in all. */
export const tabs = new BroadcastChannel('wardbook-tabs');

export function logOut() {
  sessionStorage.removeItem(KEY);
  viewer = chosenPurpose = null;
  session.dispatchEvent(new Event('logout'));
}

/** Who the server says that one is: known after the first answer. */
export let viewer = null;

export function setViewer(newViewer) {
  viewer = newViewer;
}

export const role = () => viewer?.role.toLowerCase() ?? '';
/** What roles read for that treat nobody; said with each reading, and recorded. */
const PURPOSES = {registrar: 'ADMINISTRATION', bed_manager: 'ADMINISTRATION', admin: 'ADMINISTRATION', analyst: 'QUALITY', auditor: 'LEGAL', privacy_officer: 'LEGAL'};
let chosenPurpose = null;
export const purpose = () => chosenPurpose ?? PURPOSES[role()] ?? 'TREATMENT';

/** Read for something else from now on, what is followed too. */
export function setPurpose(chosen) {
  chosenPurpose = chosen;
  session.dispatchEvent(new Event('renewed'));
}

export const wards = () => viewer?.wards ?? null;
export const isAlive = () => !!token() && !(viewer && Date.parse(viewer.until) < Date.now());

/** Whether the role may give a command, or has a right such as "timeline" or "data:identity". */
export const may = what =>
  (rights.commands[what] ?? rights.rights[what] ?? []).includes(role());

/** Whether the role may give any command. */
export const acts = () => Object.keys(rights.commands).some(may);
