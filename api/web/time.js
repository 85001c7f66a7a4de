/** The two clocks that every screen is asked by, in the address; and moments in the hospital's zone. */

import {language, say} from './words.js';

export const clocks = {asOf: null, knownAt: null, locked: true};
export const hospital = {name: '', zone: 'UTC', simulated: false, lateAfterMinutes: 60, flags: []};

/** Read the clocks from the address. */
export function readClocks(parameters) {
  const momentOf = name => (Number.isNaN(Date.parse(parameters.get(name))) ? null : parameters.get(name)); // no moment, no past
  clocks.asOf = momentOf('at');
  clocks.knownAt = momentOf('known');
  clocks.locked = parameters.get('apart') !== '1';
}

export const isPast = () => !!(clocks.asOf || clocks.knownAt);
export const clockTimes = () => ({asOf: clocks.asOf, knownAt: clocks.knownAt});

export const clockParameters = () => ({at: clocks.asOf, known: clocks.knownAt, apart: clocks.locked ? '' : '1'});

/** A way to say moments by the hospital's clocks. The same moments are said again and again: each is formatted once. */
function saying(options, locale = null) {
  const texts = new Map();
  let by, format;
  return moment => {
    const now = `${locale ?? language()} ${hospital.zone}`;
    if (by !== now || texts.size > 5000) {
      by = now;
      texts.clear();
      format = new Intl.DateTimeFormat(locale ?? (language() === 'en' ? 'en-GB' : language()), {timeZone: hospital.zone, ...options});
    }
    const key = typeof moment === 'string' ? moment : +moment;
    if (!texts.has(key)) texts.set(key, format.format(new Date(moment)));
    return texts.get(key);
  };
}

const iso = saying({year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23'}, 'sv-SE');

/** The wall clock of the hospital, as inputs of the kind datetime-local have it. */
export const wall = moment => iso(moment).replace(' ', 'T');
export const localDay = moment => iso(moment).slice(0, 10);
export const time = moment => iso(moment).slice(11);
export const day = saying({day: 'numeric', month: 'short'});
export const weekday = saying({weekday: 'short', day: 'numeric', month: 'short'});
export const weekdayName = saying({weekday: 'long'});
export const chartDay = saying({weekday: 'short', day: 'numeric'});
export const fullDay = saying({day: 'numeric', month: 'short', year: 'numeric'});
export const dayTime = moment => `${weekday(moment)}, ${time(moment)}`;

/** A moment, short where it is today; today is looked at once a minute. */
export const short = moment => (localDay(moment) === localDay(Math.floor(Date.now() / 6e4) * 6e4) ? time(moment) : `${day(moment)} ${time(moment)}`);

/** A date without a zone, as a birth date. */
export const date = text =>
  text ? new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), {timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric'}).format(new Date(text + 'T00:00Z')) : '';

/** The moment at which the hospital's clock shows this; of an hour that comes twice, the first. */
export function moment(local) {
  if (!local) return null;
  const guess = new Date(local + ':00Z').getTime();
  for (const hours of [-15, 0, 15]) {
    const offset = new Date(wall(guess + hours * 3600e3) + ':00Z').getTime() - (guess + hours * 3600e3);
    if (wall(guess - offset) === local.slice(0, 16)) return new Date(guess - offset).toISOString();
  }
  return new Date(guess).toISOString();
}

export function age(birthDate, today = localDay(new Date())) {
  if (!birthDate) return '';
  const years = +today.slice(0, 4) - +birthDate.slice(0, 4) - (today.slice(5) < birthDate.slice(5) ? 1 : 0);
  if (years >= 2) return String(years);
  const days = Math.round((Date.parse(today) - Date.parse(birthDate)) / 864e5);
  return days < 60 ? say('age.days', {n: days}) : say('age.months', {n: Math.floor(days / 30.44)});
}

/** The day of a stay: the first is the one of admission. */
export const dayOfStay = (admittedAt, today) =>
  Math.round((Date.parse(today) - Date.parse(localDay(admittedAt))) / 864e5) + 1;
