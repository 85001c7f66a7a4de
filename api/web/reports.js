/** Reports: figures of a period as known now or then; what was issued, and what changed since and why. */

import {html, nothing} from './vendor/lit.js';
import {Screen, act, address, failure, go, save} from './shell.js';
import {ask} from './gql.js';
import {may} from './session.js';
import {clocks, date, dayTime, fullDay, localDay} from './time.js';
import {bars} from './plot.js';
import {named, say} from './words.js';

const dayBefore = days => localDay(Date.now() - days * 864e5);

class Reports extends Screen {
  async read(signal) {
    const {reportDefinitions, wards} = await ask('ReportDefinitions', {}, signal);
    const {name = reportDefinitions[0].name, from = dayBefore(8), to = dayBefore(1), ward = ''} = this.route.own;
    const chosen = {name, from, to, ward};
    const [report, issues] = await Promise.all([
      may('report') ? ask('Report', {name, period: {from, to}, ward: ward || null, knownAt: clocks.knownAt}, signal).catch(error => ({error})) : /** @type {any} */ ({}),
      may('report_issues') ? ask('ReportIssues', {name}, signal).catch(() => null) : null,
    ]);
    return {definitions: reportDefinitions, wards, chosen, report: report.report, error: report.error, issues: issues?.reportIssues.nodes};
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
        <label>${say('report')}<select @change=${pick('name')}>${definitions.map(({name, title}) => html`<option value=${name} ?selected=${name === chosen.name}>${title}</option>`)}</select></label>
        <label>${say('firstDay')}<input type="date" .value=${chosen.from} @change=${pick('from')}></label>
        <label>${say('lastDay')}<input type="date" .value=${chosen.to} @change=${pick('to')}></label>
        <label>${say('ward')}<select @change=${pick('ward')}><option value="">${say('wholeHouse')}</option>${wards.map(({name}) => html`<option ?selected=${name === chosen.ward}>${name}</option>`)}</select></label>
        ${may('issueReport') && report ? html`<button type="button" @click=${() => act('issueReport', {name: chosen.name, period: {from: chosen.from, to: chosen.to}, ward: chosen.ward}, {about: definition?.title})}>${named('issueReport')}</button>` : nothing}
        ${report ? html`<button type="button" @click=${() => download(report)}>CSV</button>` : nothing}
      </form>
      ${error ? failure(error) : nothing}
      ${report ? this.#figures(report, definition) : nothing}
      ${issues?.length ? html`<section class="card"><h2>${say('issued')}</h2>${issues.map(issue => this.#issue(issue))}</section>` : nothing}`;
  }

  #figures(report, definition) {
    const label = figure => figure.of.map(({value}) => value).join(' · ') || figure.name;
    const byName = new Map();
    for (const figure of report.figures) byName.set(figure.name, [...(byName.get(figure.name) ?? []), figure]);
    const drawn = [...byName].filter(([, those]) => those.length > 1 && those.length <= 60 && those.some(({value}) => value));
    return html`<section class="card"><h2>${report.definition.title}</h2>
      <p class="quiet">${date(report.period.from)} – ${date(report.period.to)} · ${report.ward ?? say('wholeHouse')} · ${clocks.knownAt ? say('asKnown', {at: dayTime(clocks.knownAt)}) : say('asKnownNow')}</p>
      ${drawn.slice(0, 3).map(([name, those]) => html`<figure><figcaption>${named(name)} (${those[0].unit})</figcaption>${bars(those.map(figure => ({label: label(figure), value: figure.value ?? 0, shown: figure.shown})), name)}</figure>`)}
      <div class="scroll" tabindex="0" role="region" aria-label=${report.definition.title}><table><thead><tr><th scope="col">${say('figure')}</th><th scope="col">${say('of')}</th><th scope="col">${say('value')}</th><th scope="col">${say('unit')}</th></tr></thead>
        <tbody>${report.figures.map(figure => html`<tr><th scope="row">${named(figure.name)}</th><td>${figure.of.map(({name, value}) => `${name} ${value}`).join(', ')}</td><td class="number">${figure.shown}</td><td>${figure.unit}</td></tr>`)}</tbody></table></div>
      ${report.notes.map(note => html`<p class="quiet">${note}</p>`)}
      <details><summary>${say('formula')}</summary><p>${report.definition.formula}</p>${definition?.figures.map(({name, unit, meaning}) => html`<p><b>${named(name)}</b> (${unit}): ${meaning}</p>`)}</details></section>`;
  }

  #issue(issue) {
    const {definition, period, ward} = issue.report;
    return html`<article class="issue"><h3>${definition.title} · ${date(period.from)} – ${date(period.to)} · ${ward ?? say('wholeHouse')}</h3>
      <p class="quiet">${say('issuedAt', {at: dayTime(issue.issuedAt), by: issue.recordedBy?.subject ?? '…'})} ${issue.reason ? html`<q>${issue.reason}</q>` : nothing}
        ${may('restateReport') ? html`<button type="button" class="link" @click=${() => act('restateReport', {issueId: issue.id}, {about: definition.title})}>${named('restateReport')}</button>` : nothing}</p>
      ${issue.restatements.map(each => html`<p>${say('restatedAt', {at: fullDay(each.restatedAt)})} <q>${each.reason ?? ''}</q></p>
        ${each.changes.length ? html`<ul>${each.changes.map(change => html`<li><b>${named(change.name)} ${change.of.map(({value}) => value).join(' ')}</b>: <s>${change.oldShown}</s> → <b>${change.newShown}</b>
          <ul>${change.causes.flatMap(({facts}) => facts).map(fact => html`<li><small>${fact.stayId ? html`<a href=${address('stay/' + fact.stayId)}>${fact.summary ?? fact.kind}</a>` : (fact.summary ?? fact.kind)} · ${dayTime(fact.recordedAt)} ${fact.recordedBy ? `· ${fact.recordedBy.subject}` : ''}</small></li>`)}</ul></li>`)}</ul>` : html`<p class="quiet">${say('nothingChanged')}</p>`}`)}</article>`;
  }
}

/** The figures as a file; a cell that a spreadsheet would take for a formula begins with an apostrophe. */
function download(report) {
  const cell = value => `"${String(value ?? '').replace(/^(?=[=+\-@\t\r])/, "'").replaceAll('"', '""')}"`;
  const lines = [['figure', 'of', 'value', 'unit'], ...report.figures.map(({name, of, shown, unit}) => [name, of.map(({name, value}) => `${name} ${value}`).join(', '), shown, unit])];
  save(`${report.definition.name}.csv`, 'text/csv', lines.map(line => line.map(cell).join(',')).join('\r\n'));
}

customElements.define('wb-reports', Reports);
