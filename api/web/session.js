/** The login of this tab: the token that came in the link's fragment, what it may do, and for how long. */

import {forms} from './forms.js';

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

export function logIn(given) {
  sessionStorage.setItem(KEY, given.trim().replace(/^.*#token=/, ''));
  session.dispatchEvent(new Event('login'));
}

export function logOut() {
  sessionStorage.removeItem(KEY);
  session.dispatchEvent(new Event('logout'));
}

/** What the token says. The server checks it; the page only leaves out what would be refused. */
export function claims() {
  try {
    const part = token().split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), c => c.charCodeAt(0))));
  } catch {
    return null;
  }
}

export const role = () => claims()?.role ?? 'admin';
export const wards = () => claims()?.wards ?? null;
export const isAlive = () => !!claims() && !(claims().exp * 1000 < Date.now());

/** Whether the role may give a command, or has a right such as "timeline" or "data:identity". */
export const may = what =>
  (forms.commands[what]?.roles ?? forms.rights[what] ?? []).includes(role());
