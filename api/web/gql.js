/** Asking and following: one document at a time over HTTP, all that is followed over one WebSocket. */

import {forms} from './forms.js';
import {may, purpose, session, token} from './session.js';

const operations = new Map();
const fragments = new Map();

export async function loadOperations() {
  const text = await (await fetch('web/operations.graphql')).text();
  for (const part of text.split(/\n(?=(?:query|subscription|fragment) )/)) {
    const [, kind, name] = /^(\w+) (\w+)/.exec(part) ?? [];
    if (name && !part.startsWith('#')) (kind === 'fragment' ? fragments : operations).set(name, part);
  }
}

const fragmentsIn = text => text.match(/(?<=\.\.\.)\w+/g) ?? [];

/** The document of an operation, without the lines that need a right which the role has not. */
export function documentOf(name) {
  let text = operations.get(name);
  const used = new Set(fragmentsIn(text));
  for (const each of used) {
    text += '\n' + fragments.get(each);
    for (const inner of fragmentsIn(fragments.get(each))) used.add(inner); // which comes to its turn
  }
  return text
    .split('\n')
    .filter(line => {
      const right = /# (data:\w+)$/.exec(line)?.[1];
      return !right || may(right);
    })
    .join('\n')
    .replace(/ # data:\w+/g, '');
}

export class AskError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Send a body to the API; its whole answer, errors too. */
export async function send(body, signal) {
  try {
    const response = await fetch('graphql', {
      method: 'POST',
      headers: {'Content-Type': 'application/json', Authorization: `Bearer ${token()}`, 'X-Purpose': purpose().toLowerCase()},
      body: JSON.stringify(body),
      signal,
    });
    if (response.status === 401) session.dispatchEvent(new Event('expired'));
    return await response.json(); // a proxy without a server behind it sends none, nor does one that broke off
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new AskError('OFFLINE', '');
  }
}

/** Send a body to the API; its data, with the position of the log that it was read at. */
async function post(body, signal) {
  const answer = await send(body, signal);
  const error = answer.errors?.[0];
  const code = error?.extensions?.errorCode;
  if (error) throw new AskError(code === 'DATABASE_AWAY' ? 'OFFLINE' : (code ?? 'ERROR'), error.message);
  return {...answer.data, position: answer.extensions?.position};
}

/** What each screen asked last, for the explorer: variables by operation; of this login alone. */
export const sent = new Map();
session.addEventListener('logout', () => sent.clear());

export function ask(name, variables = {}, signal = undefined) {
  const screen = /^#\/(\w+)/.exec(location.hash)?.[1] ?? 'board';
  if (!sent.has(screen)) sent.set(screen, new Map());
  sent.get(screen).set(name, variables);
  return post({query: documentOf(name), operationName: name, variables}, signal);
}

/** All that a list has, page by page. */
export async function askAll(name, variables, signal = undefined) {
  const found = [];
  let after = null;
  do {
    const [{nodes, pageInfo}] = Object.values(await ask(name, {...variables, after}, signal));
    found.push(...nodes);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after);
  return found;
}

/** Give a command; its outcome, recorded or refused. */
export async function give({input: type, outcomes}, name, input) {
  const parts = {
    TITLE: name.replace(/^./, letter => letter.toUpperCase()),
    INPUT: type,
    NAME: name,
    OUTCOMES: outcomes.map(each => `... on ${each} { ${forms.outcomes[each]} }`).join(' '),
  };
  const query = forms.document.replace(/[A-Z]{4,}/g, part => parts[part]);
  return (await post({query, variables: {input}}))[name];
}

/** The WebSocket of this tab: opened when something is followed, again after it broke, not while hidden. */
class Live extends EventTarget {
  state = 'off';
  #followed = new Map();
  #socket = null;
  #next = 1;
  #wait = 500;
  #timer = 0;

  constructor() {
    super();
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#close('off');
      else if (this.#followed.size) this.#open();
    });
    globalThis.addEventListener('online', () => this.#followed.size && this.#open());
    session.addEventListener('login', () => this.#followed.size && this.#open());
    session.addEventListener('renewed', () => {
      if (!this.#socket) return;
      this.#close('connecting'); // a socket ends with the token that opened it
      this.#open();
    });
    session.addEventListener('logout', () => this.#close('off'));
  }

  /** Follow a subscription from the position `after`, that of what is shown; `onItem` gets each item. Returns its end. */
  follow(name, variables, after, field, onItem) {
    const id = String(this.#next++);
    this.#followed.set(id, {name, variables, after, field, onItem});
    this.dispatchEvent(new Event('state'));
    if (this.state === 'live') this.#subscribe(id);
    else this.#open();
    return () => {
      this.#followed.delete(id);
      this.dispatchEvent(new Event('state'));
      if (this.state === 'live') this.#send({type: 'complete', id});
    };
  }

  /** Whether anything that is shown is followed. */
  get isFollowing() {
    return this.#followed.size > 0;
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event('state'));
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #subscribe(id) {
    const {name, variables, after} = this.#followed.get(id);
    this.#send({type: 'subscribe', id, payload: {query: documentOf(name), operationName: name, variables: {...variables, after}}});
  }

  #close(state) {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.#become(state);
  }

  #open() {
    if (this.#socket || !token() || document.hidden) return;
    clearTimeout(this.#timer);
    this.#become('connecting');
    const address = new URL('graphql', location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    address.hash = '';
    const socket = (this.#socket = new WebSocket(address, 'graphql-transport-ws'));
    socket.onopen = () => this.#send({type: 'connection_init', payload: {Authorization: `Bearer ${token()}`, purpose: purpose().toLowerCase()}});
    socket.onmessage = ({data}) => {
      const {type, id, payload} = JSON.parse(data);
      if (type === 'connection_ack') {
        this.#wait = 500;
        this.#become('live');
        for (const each of this.#followed.keys()) this.#subscribe(each);
      } else if (type === 'ping') this.#send({type: 'pong'});
      else if (type === 'next' && this.#followed.has(id)) {
        const followed = this.#followed.get(id);
        const item = payload.data?.[followed.field];
        if (!item) return;
        if (item.position) followed.after = item.position;
        followed.onItem(item);
      } else if (type === 'error' || type === 'complete') {
        this.#followed.delete(id); // nothing more is told of it: no dot says so
        this.dispatchEvent(new Event('state'));
      }
    };
    socket.onclose = ({code}) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#become('lost');
      if (code === 4403) return session.dispatchEvent(new Event('expired'));
      this.#timer = setTimeout(() => this.#open(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, 15000);
    };
  }
}

export const live = new Live();
