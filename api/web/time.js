/** The two clocks that every screen is asked by, in the address; and moments in the hospital's zone. */

import {language} from './words.js';

export const clocks = {asOf: null, knownAt: null, locked: true};
export const hospital = {name: '', zone: 'UTC', simulated: false, lateAfterMinutes: 60, flags: []};

/** Read the clocks from the address. */
export function readClocks(parameters) {
  clocks.asOf = parameters.get('at');
  clocks.knownAt = parameters.get('known');
  clocks.locked = parameters.get('apart') !== '1';
}

export const isPast = () => !!(clocks.asOf || clocks.knownAt);
export const asked = () => ({asOf: clocks.asOf, knownAt: clocks.knownAt});

export function clockParameters() {
  const parameters = new URLSearchParams();
  if (clocks.asOf) parameters.set('at', clocks.asOf);
  if (clocks.knownAt) parameters.set('known', clocks.knownAt);
  if (!clocks.locked) parameters.set('apart', '1');
  return parameters;
}

const formats = new Map();

function format(kind, options) {
  const key = `${kind} ${language()} ${hospital.zone}`;
  if (!formats.has(key))
    formats.set(key, new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), {timeZone: hospital.zone, ...options}));
  return formats.get(key);
}

const HOUR = {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'};
export const time = moment => format('time', HOUR).format(new Date(moment));
export const day = moment => format('day', {day: 'numeric', month: 'short'}).format(new Date(moment));
export const weekday = moment =>
  format('weekday', {weekday: 'short', day: 'numeric', month: 'short'}).format(new Date(moment));
export const weekdayName = moment => format('weekdayName', {weekday: 'long'}).format(new Date(moment));
export const chartDay = moment => format('chart', {weekday: 'short', day: 'numeric'}).format(new Date(moment));
export const fullDay = moment =>
  format('full', {day: 'numeric', month: 'short', year: 'numeric'}).format(new Date(moment));
export const dayTime = moment => `${weekday(moment)}, ${time(moment)}`;

/** A moment, short where it is today. */
export const short = moment => (localDay(moment) === localDay(new Date()) ? time(moment) : `${day(moment)} ${time(moment)}`);

/** A date without a zone, as a birth date. */
export const date = text =>
  text ? new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), {timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric'}).format(new Date(text + 'T00:00Z')) : '';

function parts(moment) {
  const found = {};
  const made = format('parts', {year: 'numeric', month: '2-digit', day: '2-digit', ...HOUR});
  for (const {type, value} of made.formatToParts(new Date(moment))) found[type] = value;
  return found;
}

const walls = new Map();

/** The wall clock of the hospital, as inputs of the kind datetime-local have it. It is asked for the same moments again and again. */
export function wall(moment) {
  const key = `${+new Date(moment)} ${hospital.zone}`;
  if (!walls.has(key)) {
    if (walls.size > 5000) walls.clear();
    const {year, month, day, hour, minute} = parts(moment);
    walls.set(key, `${year}-${month}-${day}T${hour}:${minute}`);
  }
  return walls.get(key);
}

export const localDay = moment => wall(moment).slice(0, 10);

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
  return days < 60 ? `${days} d` : `${Math.floor(days / 30.44)} mo`;
}

/** The day of a stay: the first is the one of admission. */
export const dayOfStay = (admittedAt, today) =>
  Math.round((Date.parse(today) - Date.parse(localDay(admittedAt))) / 864e5) + 1;
