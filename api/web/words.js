/** The texts of the page, in the language that was chosen, else the browser's. */

const LANGUAGES = ['en', 'de'];
const KEY = 'wardbook-language';
let chosen = 'en';
let texts = {};
let names = {};
let sentences = [];

export const language = () => chosen;
export const languages = LANGUAGES;

export async function loadWords(wanted = localStorage.getItem(KEY) ?? navigator.language.slice(0, 2)) {
  chosen = LANGUAGES.includes(wanted) ? wanted : 'en';
  localStorage.setItem(KEY, chosen);
  [texts, names, sentences] = [{}, {}, []];
  await Promise.all([read(''), ...[...parts.keys()].map(read)]);
  document.documentElement.lang = chosen;
}

/** Words of their own that screens have, which are loaded with them. */
const parts = new Map();

/** Load the words of a part, once. */
export function addWords(part) {
  if (!parts.has(part)) parts.set(part, read(part).catch(error => (parts.delete(part), Promise.reject(error))));
  return parts.get(part);
}

async function read(part) {
  const words = await (await fetch(`web/words/${chosen}${part && '.' + part}.json`)).json();
  Object.assign(texts, words.texts);
  Object.assign(names, words.names);
  sentences.unshift(...(words.sentences ?? []).map(([begin, text]) => [new RegExp(begin, 's'), text]));
}

/** A text, with {places} filled. */
export const say = (key, values = {}) =>
  (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

/** Whether there is such a text. */
export const says = key => key in texts;

/** The name of a command, a field, a figure or a value of the schema; one without a name is read as it is written. */
export function named(name) {
  if (names[name]) return names[name];
  const [, of, by] = /^(\w+?)(By[A-Z]\w+)$/.exec(name) ?? [];
  if (of && names['...' + by]) return names['...' + by].replace('{of}', named(of));
  return (names[name] ??= name.replace(/^STAY_/, '').replace(/^cancel(?=[A-Z])/, 'takeBack').replace(/([a-z])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase().replace(/^./, c => c.toUpperCase()));
}

/** The name of what has one in English already, as the title of a report. */
export const namedOr = (name, otherwise) => names[name] ?? otherwise;

/** A list of values, or of fields with their values, as a sentence of the server has them. */
const worded = text =>
  text.split(', ').map(part => names[part.toUpperCase().replaceAll(' ', '_')] ?? part.replace(/^[a-z]+( name| date)?/, word => names[word.replace(/ (.)/, (_, c) => c.toUpperCase())] ?? word)).join(', ');

/** A sentence of the server in the reader's language: by the one that it is like. [Parts] of which nothing was said are left out. */
export function translate(sentence) {
  const put = {told: translate, named: worded, none: () => ''};
  for (const [begin, text] of sentences) {
    const parts = begin.exec(sentence);
    if (parts) return text.replace(/\[([^\]]*?\{(\d)[^\]]*)\]/g, (_, part, n) => (parts[n] ? part : '')).replace(/\{(\d):?(\w*)\}/g, (_, n, how) => (put[how] ?? String)(parts[n]));
  }
  return sentence;
}
