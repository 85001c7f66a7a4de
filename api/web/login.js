/** Login by the house's OpenID provider: authorization code flow with PKCE (RFC 7636), in this tab or, over a
 * screen, in a window of its own. Codes come in the fragment, which no server sees. */

import {logOut, session, setLogin, token} from './session.js';

/** What the server says of the house before anybody is logged in. */
export const house = {login: /** @type {{issuer: string, clientId: string, parameters: string} | null} */ (null), logoffMinutes: 0};

const PENDING = 'wardbook-pending';
const ASK_AGAIN = 'wardbook-ask-again';
/** How the window of a login tells the tab that waits for it. */
const CHANNEL = 'wardbook-login';
const HERE = location.origin + location.pathname;

/** Why the last login failed: a key of the page's words and what the provider said. */
export class LoginError extends Error {
  constructor(key, why = '') {
    super(why);
    this.key = key;
  }
}

export async function loadHouse() {
  Object.assign(house, await (await fetch('web/config.json')).json());
}

async function discover() {
  const {issuer} = house.login;
  let provider;
  try {
    provider = await (await fetch(issuer.replace(/\/$/, '') + '/.well-known/openid-configuration')).json();
  } catch {
    throw new LoginError('login.away');
  }
  if (provider.issuer !== issuer) throw new LoginError('login.untrusted', 'issuer');
  return provider;
}

const base64url = bytes => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The address at the provider, and what has to be kept until its answer. */
async function begin() {
  const provider = await discover();
  const pending = {state: random(), nonce: random(), verifier: random(), hash: location.hash};
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(pending.verifier));
  const modes = provider.response_modes_supported ?? ['fragment'];
  const own = {
    response_type: 'code',
    client_id: house.login.clientId,
    redirect_uri: HERE,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
    ...(modes.includes('fragment') ? {response_mode: 'fragment'} : {}),
    ...(sessionStorage.getItem(ASK_AGAIN) ? {prompt: 'login'} : {}),
  };
  const address = new URL(provider.authorization_endpoint);
  for (const [name, value] of [...new URLSearchParams(house.login.parameters), ...Object.entries(own)]) address.searchParams.set(name, value);
  return {address: address.href, pending};
}

/** Go to the provider, and come back to what the address shows. */
export async function logInHere() {
  const {address, pending} = await begin();
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  location.assign(address);
}

/** Log in by a window over this one, which stays as it is. */
export async function logInOver() {
  const opened = open('', '_blank', 'popup,width=520,height=680'); // before anything is awaited: else it is blocked
  if (!opened) throw new LoginError('login.blocked');
  try {
    const {address, pending} = await begin();
    const answer = answerOf(pending.state, opened);
    opened.location.href = address;
    await take(await answer, pending);
  } finally {
    opened.close();
  }
}

/** What the window tells, or that it was closed. */
function answerOf(state, opened) {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(CHANNEL);
    const end = () => (channel.close(), clearInterval(watch));
    channel.onmessage = ({data}) => data.state === state && (end(), resolve(data));
    const watch = setInterval(() => opened.closed && setTimeout(() => (end(), reject(new LoginError('login.closed'))), 500), 500);
  });
}

/** Take the provider's answer out of the address, so that no history keeps it. Says whether this window is done. */
export async function takeAnswer() {
  const inHash = new URLSearchParams(location.hash.slice(1));
  const given = Object.fromEntries(inHash.has('state') ? inHash : new URLSearchParams(location.search));
  if (!given.state || !(given.code || given.error)) return false;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
  if (pending?.state !== given.state) {
    history.replaceState(null, '', HERE);
    const channel = new BroadcastChannel(CHANNEL);
    channel.postMessage(given);
    close();
    return true;
  }
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, '', HERE + pending.hash);
  await take(given, pending);
  return false;
}

async function take(given, pending) {
  if (given.error) throw new LoginError('login.refused', given.error_description ?? given.error);
  const provider = await discover();
  if (given.iss ? given.iss !== provider.issuer : provider.authorization_response_iss_parameter_supported) throw new LoginError('login.untrusted', 'iss');
  const tokens = await exchange(provider, {grant_type: 'authorization_code', code: given.code, redirect_uri: HERE, code_verifier: pending.verifier});
  check(tokens.id_token, pending.nonce);
  sessionStorage.removeItem(ASK_AGAIN);
  keep(tokens);
  session.dispatchEvent(new Event('login'));
}

async function exchange(provider, values) {
  let tokens;
  try {
    const resource = new URLSearchParams(house.login.parameters).get('resource'); // RFC 8707: said here, too
    const body = new URLSearchParams({client_id: house.login.clientId, ...(resource ? {resource} : {}), ...values});
    tokens = await (await fetch(provider.token_endpoint, {method: 'POST', body})).json();
  } catch {
    throw new LoginError('login.away');
  }
  if (!tokens.access_token) throw new LoginError('login.refused', tokens.error_description ?? tokens.error);
  return tokens;
}

/** An ID token that came from the provider itself: whose, for whom, until when, for which asking
 * (OpenID Connect Core 1.0, 3.1.3.7; TLS stands in for its signature). */
function check(idToken, nonce) {
  const {iss, aud, exp, nonce: ownNonce} = claimsOf(idToken);
  const is = {iss: iss === house.login.issuer, aud: [aud].flat().includes(house.login.clientId), exp: exp * 1000 > Date.now() - 60e3, nonce: ownNonce === nonce};
  for (const [name, holds] of Object.entries(is)) if (!holds) throw new LoginError('login.untrusted', name);
}

function claimsOf(jwt) {
  try {
    const text = atob(jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, letter => letter.charCodeAt(0))));
  } catch {
    throw new LoginError('login.untrusted', 'id_token');
  }
}

/** What goes with the token: never stored but for this page's life. */
let refreshToken = '';
let idToken = '';
let renewing = false;

function keep(tokens) {
  refreshToken = tokens.refresh_token ?? '';
  idToken = tokens.id_token ?? idToken;
  setLogin(tokens.access_token);
}

/** Ask for a further token before this one ends, where the provider gave the means. */
export async function renew() {
  if (!refreshToken || renewing) return;
  renewing = true;
  const before = token();
  try {
    const tokens = await exchange(await discover(), {grant_type: 'refresh_token', refresh_token: refreshToken});
    if (token() !== before) return; // logged out meanwhile
    keep({refresh_token: refreshToken, ...tokens});
    session.dispatchEvent(new Event('renewed'));
  } catch (error) {
    if (error.key !== 'login.away') refreshToken = '';
  } finally {
    renewing = false;
  }
}

/** Log out here; by the person's wish at the provider, too. Whoever comes next is asked who they are. */
export async function leave(isWished) {
  const hint = idToken;
  refreshToken = idToken = '';
  logOut();
  if (!house.login) return;
  sessionStorage.setItem(ASK_AGAIN, '1');
  if (!isWished) return;
  const {end_session_endpoint: end} = await discover().catch(() => ({end_session_endpoint: null}));
  if (!end) return;
  const address = new URL(end);
  for (const [name, value] of Object.entries({client_id: house.login.clientId, post_logout_redirect_uri: HERE, ...(hint ? {id_token_hint: hint} : {})})) address.searchParams.set(name, value);
  location.assign(address.href);
}
