/** Reports: figures of a period as known now or then; what was issued, and what changed since and why. */

import {html, nothing} from './vendor/lit.js';
import {Screen, act, address, failure, go, save, scroll} from './shell.js';
import {ask} from './gql.js';
import {may} from './session.js';
import {chartDay, clocks, date, dayTime, fullDay, localDay, moment, time, weekdayName} from './time.js';
import {bars, columns, stairs} from './plot.js';
import {addWords, named, namedOr, say, says, translate} from './words.js';

const dayBefore = days => localDay(Date.now() - days * 864e5);

class Reports extends Screen {
  async read(signal) {
    const [{reportDefinitions, wards}] = await Promise.all([ask('ReportDefinitions', {}, signal), addWords('reports')]);
    const {name = reportDefinitions[0].name, from = dayBefore(8), to = dayBefore(1), ward = ''} = this.route.own;
    const chosen = {name, from, to, ward};
    const [report, issues] = await Promise.all([
      may('report') ? ask('Report', {name, period: {from, to}, ward: ward || null, knownAt: clocks.knownAt}, signal).catch(error => ({error})) : /** @type {any} */ ({}),
      may('report_issues') ? ask('ReportIssues', {name}, signal).catch(error => ({error})) : null,
    ]);
    const history = report.report && /census|occupancy/.test(name) ? await readHistory(report.report, signal).catch(() => null) : null;
    return {definitions: reportDefinitions, wards, chosen, report: report.report, error: report.error ?? issues?.error, issues: issues?.reportIssues, history};
  }

  async #more({nodes, pageInfo}) {
    const {reportIssues} = await ask('ReportIssues', {name: this.data.chosen.name, after: pageInfo.endCursor});
    this.data = {...this.data, issues: {...reportIssues, nodes: [...nodes, ...reportIssues.nodes]}};
  }

  #choose(part, value) {
    go('reports', {...this.data.chosen, [part]: value});
  }

  view() {
    const {definitions, wards, chosen, report, issues, error} = this.data;
    const pick = part => event => this.#choose(part, event.target.value);
    const definition = definitions.find(({name}) => name === chosen.name);
    return html`<h1>${say('reports')}</h1>
      <form class="toolbar" @submit=${event => event.preventDefault()}>
        <label>${say('report')}<select @change=${pick('name')}>${definitions.map(({name, title}) => html`<option value=${name} ?selected=${name === chosen.name}>${namedOr(name, title)}</option>`)}</select></label>
        <label>${say('firstDay')}<input type="date" .value=${chosen.from} @change=${pick('from')}></label>
        <label>${say('lastDay')}<input type="date" .value=${chosen.to} @change=${pick('to')}></label>
        <label>${say('ward')}<select @change=${pick('ward')}><option value="">${say('wholeHouse')}</option>${wards.map(({name}) => html`<option ?selected=${name === chosen.ward}>${name}</option>`)}</select></label>
        ${may('issueReport') && report ? html`<button type="button" @click=${() => act('issueReport', {name: chosen.name, period: {from: chosen.from, to: chosen.to}, ward: chosen.ward}, {about: titleOf(report.definition)})}>${named('issueReport')}</button>` : nothing}
        ${report ? html`<button type="button" @click=${() => download(report)}>CSV</button>` : nothing}
      </form>
      ${error ? failure(error) : nothing}
      ${report ? this.#figures(report, definition) : nothing}
      ${issues?.nodes.length ? html`<section class="card"><h2>${say('issued')}</h2>${issues.nodes.map(issue => this.#issue(issue))}
        ${issues.pageInfo.hasNextPage ? html`<button type="button" @click=${() => this.#more(issues)}>${say('moreActs')}</button>` : nothing}</section>` : nothing}`;
  }

  #figures(report, definition) {
    const byName = new Map();
    for (const figure of report.figures) byName.set(figure.name, [...(byName.get(figure.name) ?? []), figure]);
    const single = report.figures.filter(({of}) => !of.length);
    return html`<section class="card"><h2>${titleOf(report.definition)}</h2>
      <p class="quiet">${date(report.period.from)} – ${date(report.period.to)} · ${report.ward ?? say('wholeHouse')} · ${clocks.knownAt ? say('asKnown', {at: dayTime(clocks.knownAt)}) : say('asKnownNow')}</p>
      ${single.length ? html`<dl class="tiles">${single.map(({name, shown, value, unit}) => html`<div><dt>${named(name)}</dt><dd>${isLong({unit, value}) ? lasting(value) : html`${shown} <small>${unit === 'PERCENT' ? '%' : unitOf(unit)}</small>`}</dd></div>`)}</dl>` : nothing}
      ${this.data.history?.byWard.length > 1 ? this.#byWard(this.data.history) : nothing}
      ${this.data.history ? html`<figure><figcaption>${say('bedsTaken')}</figcaption>${stairs(this.data.history.points, {title: say('bedsTaken'), ...this.data.history})}
        <details><summary>${say('asTable')}</summary>${scroll(say('bedsTaken'), html`<table class="tight"><thead><tr><th scope="col">${say('when')}</th><th scope="col" class="number">${say('bedsTaken')}</th></tr></thead>
          <tbody>${this.data.history.points.map(({at, value}) => html`<tr><th scope="row">${dayTime(at)}</th><td class="number">${value}</td></tr>`)}</tbody></table>`, 'tall')}</details></figure>` : nothing}
      ${plots(byName)}
      ${tables(report)}
      ${report.figures.some(({suppressed}) => suppressed) ? html`<p class="quiet">${say('suppressed')}</p>` : nothing}
      ${report.notes.map(note => html`<p class="quiet">${translate(note)}</p>`)}
      <details><summary>${say('formula')}</summary><p>${formulaOf(report.definition)}</p><dl class="meanings">${definition?.figures.map(({name, unit, meaning}) => html`<div><dt>${named(name)} (${unitOf(unit)})</dt><dd>${meaningOf(definition, name, meaning)}</dd></div>`)}</dl></details></section>`;
  }

  /** The census of each ward: over time as a small plot, at midnight as a table. */
  #byWard({byWard, days, from, to}) {
    const most = Math.max(...byWard.flatMap(({points}) => points.map(({value}) => value)));
    const midnights = days.slice(1).map(({at}) => at);
    return html`<figure><figcaption>${say('censusByWard')}</figcaption>
      <div class="small-plots">${byWard.map(({ward, points}) => html`<div><b>${ward}</b> <span class="of">${points.at(-1).value}</span>${stairs(points, {title: `${say('bedsTaken')}: ${ward}`, from, to, days: [], most, isSmall: true})}</div>`)}</div>
      ${midnights.length ? html`<details><summary>${say('asTable')}</summary>${scroll(say('censusByWard'), html`<table class="tight"><thead><tr><th scope="col">${say('ward')}</th>${midnights.map(at => html`<th scope="col" class="number">${chartDay(at)}, ${time(at)}</th>`)}</tr></thead>
        <tbody>${byWard.map(({ward, points}) => html`<tr><th scope="row">${ward}</th>${midnights.map(at => html`<td class="number">${points.findLast(point => point.at <= at)?.value ?? 0}</td>`)}</tr>`)}</tbody></table>`)}</details>` : nothing}</figure>`;
  }

  #issue(issue) {
    const {definition, period, ward} = issue.report;
    return html`<article class="issue"><h3>${titleOf(definition)} · ${date(period.from)} – ${date(period.to)} · ${ward ?? say('wholeHouse')}</h3>
      <p class="quiet">${say('issuedAt', {at: dayTime(issue.issuedAt), by: issue.recordedBy.subject})} ${issue.reason ? html`<q>${issue.reason}</q>` : nothing}
        ${may('restateReport') ? html`<button type="button" class="link" @click=${() => act('restateReport', {issueId: issue.id}, {about: titleOf(definition)})}>${named('restateReport')}</button>` : nothing}</p>
      ${issue.restatements.map(each => html`<p>${say('restatedAt', {at: fullDay(each.restatedAt)})} <q>${each.reason ?? ''}</q></p>
        ${each.changes.length ? html`<ul>${each.changes.map(change => html`<li><b>${named(change.name)} ${change.of.map(valueOf).join(' ')}</b>: <s>${change.oldShown}</s> → <b>${change.newShown}</b>
          <ul>${change.causes.flatMap(({facts}) => facts).map(fact => html`<li><small>${fact.stayId ? html`<a href=${address('stay/' + fact.stayId)}>${factOf(fact)}</a>` : factOf(fact)} · ${dayTime(fact.recordedAt)} · ${fact.recordedBy?.subject ?? named((fact.recordedByRole ?? '').toLowerCase())} ${fact.reason ? html`<q>${fact.reason}</q>` : nothing}</small></li>`)}</ul></li>`)}</ul>
          ${each.changes.some(({causes}) => causes.some(({wordsClosed}) => wordsClosed)) ? html`<p class="quiet">${say('wordsClosed')}</p>` : nothing}` : html`<p class="quiet">${say('nothingChanged')}</p>`}`)}</article>`;
  }
}

/** Figures that belong in one plot, the first of each being what is drawn first. */
const TOGETHER = [['meanOccupancyByHour'], ['arrivalsByHour', 'departuresByHour'], ['census'], ['admissions', 'discharges'], ['transfersIn', 'transfersOut'], ['percentile90ByHour', 'medianDelayByHour'], ['dischargesByLength'], ['lateByHour'], ['lateByWard'], ['dailyOccupancyRate'], ['bedsHeld']];
/** Figures of a state, which lasts: they are drawn in steps; what happens is drawn in columns. */
const LASTS = /^(census|bedsHeld|meanOccupancy|dailyOccupancyRate)/;

const titleOf = ({name, title}) => namedOr(name, title);
const unitOf = unit => namedOr('unit.' + unit, unit.toLowerCase().replaceAll('_', ' '));
/** What most formulas end with. */
const DAYS = ['hospitalDay', 'calendarDate'];

/** A definition's formula, and what a figure of it says, in the reader's language; as the server says it where there is no other text. */
const formulaOf = ({name, formula}) => (says('formula.' + name) ? say('formula.' + name, Object.fromEntries(DAYS.map(day => [day, say('formula.' + day)]))) : formula);
const meaningOf = (definition, name, meaning) => {
  const figure = name.replace(/By(Hour|Kind|Ward|Weekday|WeekdayAndHour|Specialty|Type|Sex|AgeGroup|AgeGroupAndSex)$/, '');
  const key = [`meaning.${definition.name}.${figure}`, `meaning.${figure}`].find(says);
  return key ? say(key) : meaning;
};
const factOf = ({kind, summary}) => (summary ? translate(summary) : named(kind ?? 'OTHER'));
const MONDAY = Date.parse('2024-01-01T12:00Z');

/** A part that a figure is of, as one says it: a day, a day of the week, a kind of entry, else as it is. */
function valueOf({name, value}) {
  if (name === 'day') return date(value).replace(/,? \d{4}$/, '');
  if (name === 'weekday') return weekdayName(MONDAY + (parseInt(value) - 1) * 864e5);
  return ['kind', 'type', 'sex'].includes(name) || value === 'UNKNOWN' ? named(value) : value;
}

const labelOf = figure => figure.of.map(valueOf).join(' · ') || named(figure.name);

/** The plots of figures by name: by hours and days over time, by other things as bars. */
function plots(byName) {
  const drawn = [...byName].filter(([, those]) => those.length > 1 && those.length <= 62 && those[0].of.length === 1 && those.some(({value}) => value));
  const names = new Set(drawn.map(([name]) => name));
  const groups = TOGETHER.map(group => group.filter(name => names.has(name))).filter(group => group.length);
  const chosen = groups.length ? groups : drawn.slice(0, 3).map(([name]) => [name]);
  return html`<div class="columns plots">${chosen.slice(0, 6).map(group => {
    const first = byName.get(group[0]);
    const isLong = first[0].unit === 'SECONDS'; // told in minutes
    const valueIn = ({value}) => (isLong ? Math.round((value ?? 0) / 60) : (value ?? 0));
    const title = `${group.map(named).join(', ')} (${isLong ? 'min' : unitOf(first[0].unit)})`;
    const isTime = /^(day|hour|days)$/.test(first[0].of[0].name);
    const of = new Map(group.map(name => [name, new Map(byName.get(name).map(figure => [figure.of[0].value, valueIn(figure)]))]));
    const rows = [...new Set(group.flatMap(name => [...of.get(name).keys()]))].sort((a, b) => a.localeCompare(b, 'en', {numeric: true}));
    const labels = new Map(group.flatMap(name => byName.get(name)).map(figure => [figure.of[0].value, labelOf(figure)]));
    const valuesOf = name => rows.map(key => of.get(name).get(key) ?? 0);
    const plot = !isTime
      ? bars(first.map(figure => ({label: labelOf(figure), value: valueIn(figure), shown: isLong ? lasting(figure.value ?? 0) : figure.shown})), title)
      : LASTS.test(group[0])
        ? columns(rows.map(key => ({label: labels.get(key), values: []})), {title, line: {name: named(group[0]), values: valuesOf(group[0])}})
        : columns(rows.map(key => ({label: labels.get(key), values: group.map(name => of.get(name).get(key) ?? 0)})), {title, names: group.map(named)});
    return html`<figure><figcaption>${title}</figcaption>${plot}</figure>`;
  })}</div>`;
}

/** Figures of something as tables: those that are of the same things stand side by side, a row for each thing. */
function tables({definition, figures}) {
  return [...Map.groupBy(figures.filter(({of}) => of.length), ({of}) => of.map(({name}) => namedOr('of.' + name, name)).join(', '))].map(([of, those]) => {
    const columns = Map.groupBy(those, ({name}) => name);
    const rows = Map.groupBy(those, figure => figure.of.map(valueOf).join(', '));
    return scroll(`${titleOf(definition)} ${of}`, html`<table class="tight figures"><thead><tr><th scope="col">${of}</th>${[...columns].map(([name, [{unit}]]) => html`<th scope="col" class="number">${named(name)} <small>${unit === 'SECONDS' ? '' : unitOf(unit)}</small></th>`)}</tr></thead>
      <tbody>${[...rows].map(([thing, values]) => html`<tr><th scope="row">${thing}</th>${[...columns.keys()].map(name => {
        const figure = values.find(each => each.name === name);
        return html`<td class="number">${figure && (isLong(figure) ? lasting(figure.value) : figure.shown)}</td>`;
      })}</tr>`)}</tbody></table>`);
  });
}

const isLong = ({unit, value}) => unit === 'SECONDS' && value != null;

/** Seconds, as one says them. */
function lasting(seconds) {
  const minutes = Math.round(seconds / 60);
  return minutes < 1 ? `${Math.round(seconds)} s` : minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How many of these stretches go on at once, from when on. */
function pointsOf(stretches, from, to) {
  const steps = new Map([[from, 0]]);
  const add = (at, by) => steps.set(at, (steps.get(at) ?? 0) + by);
  for (const {since, until} of stretches) {
    add(Math.max(Date.parse(since), from), 1);
    if (until && Date.parse(until) < to) add(Date.parse(until), -1);
  }
  let value = 0;
  return [...steps].sort(([a], [b]) => a - b).map(([at, by]) => ({at, value: (value += by)}));
}

/** How many beds were taken from when on, in the days of a report. */
async function readHistory({period, ward}, signal) {
  const day = (text, more) => new Date(Date.parse(text + 'T00:00Z') + more * 864e5).toISOString().slice(0, 10);
  const midnight = text => Date.parse(moment(text + 'T00:00'));
  const count = Math.round((Date.parse(period.to) - Date.parse(period.from)) / 864e5) + 1;
  if (count > 31) return null;
  const [from, to] = [midnight(period.from), Math.min(midnight(day(period.to, 1)), Date.now())];
  if (to <= from) return null;
  const {occupancyHistory} = await ask('History', {from: new Date(from).toISOString(), to: new Date(to).toISOString(), ward, knownAt: clocks.knownAt}, signal);
  const taken = occupancyHistory.filter(({sharesBedOf}) => !sharesBedOf);
  const wards = [...new Set(taken.map(({room}) => room?.ward).filter(Boolean))].sort((a, b) => a.localeCompare(b, 'en', {numeric: true}));
  const points = pointsOf(taken, from, to);
  const byWard = wards.map(ward => ({ward, points: pointsOf(taken.filter(({room}) => room?.ward === ward), from, to)}));
  const days = Array.from({length: count}, (_, i) => midnight(day(period.from, i))).filter(at => at < to).map(at => ({at, label: chartDay(at)}));
  return {points, byWard, from, to, days};
}

/** The figures as a file; a cell that a spreadsheet would take for a formula begins with an apostrophe. */
function download(report) {
  const cell = value => `"${String(value ?? '').replace(/^(?=[=+\-@\t\r])/, "'").replaceAll('"', '""')}"`;
  const lines = [['figure', 'of', 'value', 'unit'], ...report.figures.map(({name, of, shown, unit}) => [name, of.map(({name, value}) => `${name} ${value}`).join(', '), shown, unitOf(unit)])];
  save(`${report.definition.name}.csv`, 'text/csv', lines.map(line => line.map(cell).join(',')).join('\r\n'));
}

customElements.define('wb-reports', Reports);
