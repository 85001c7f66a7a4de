/** The texts of the page, in the language that was chosen, else the browser's. */

const LANGUAGES = ['en', 'de'];
const KEY = 'wardbook-language';
let chosen = 'en';
let texts = {};
let names = {};

export const language = () => chosen;
export const languages = LANGUAGES;

export async function loadWords(wanted = localStorage.getItem(KEY) ?? navigator.language.slice(0, 2)) {
  chosen = LANGUAGES.includes(wanted) ? wanted : 'en';
  localStorage.setItem(KEY, chosen);
  ({texts, names} = await (await fetch(`web/words/${chosen}.json`)).json());
  document.documentElement.lang = chosen;
}

/** A text, with {places} filled. */
export const say = (key, values = {}) =>
  (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

/** Whether there is such a text. */
export const says = key => key in texts;

/** The name of a command, a field or a value of the schema; one without a name is read as it is written. */
export const named = name =>
  names[name] ?? name.replace(/([a-z])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase().replace(/^./, c => c.toUpperCase());
