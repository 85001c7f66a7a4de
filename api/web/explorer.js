/** Explorer: any document of the API with its variables, what the screens asked, and the schema beside it; for roles
 * that may read the schema. Nothing of it is kept. */

import {html, nothing} from './vendor/lit.js';
import {Screen, save} from './shell.js';
import {documentOf, send, sent} from './gql.js';
import {clockTimes} from './time.js';
import {say} from './words.js';

const REF = 'kind name ofType { kind name ofType { kind name ofType { kind name } } }';
const INPUT = `name description type { ${REF} }`;
const INTROSPECTION = `query Schema { __schema {
  queryType { name } mutationType { name } subscriptionType { name }
  types { kind name description possibleTypes { name } enumValues { name description } inputFields { ${INPUT} }
    fields { name description type { ${REF} } args { ${INPUT} } } } } }`;
/** With its indentation in it: that of a script is not sent. */
const FIRST = 'query Beds($asOf: DateTime, $knownAt: DateTime) {\n  roomOccupancy(asOf: $asOf, knownAt: $knownAt) {\n    room { ward number }\n    beds { code state }\n  }\n}\n';
const MOST_OFFERED = 12;

const shown = ({kind, name, ofType}) => (kind === 'NON_NULL' ? `${shown(ofType)}!` : kind === 'LIST' ? `[${shown(ofType)}]` : name);
const nameOf = ({name, ofType}) => name ?? nameOf(ofType);

/** The type whose fields may stand at the end of a text, and the word that was begun there. */
export function placeAt(text, {roots, types}) {
  const begun = /\w*$/.exec(text)[0];
  const tokens = text.slice(0, text.length - begun.length).replace(/"""[^]*?"""|"(\\.|[^"\\\n])*"|#.*/g, ' ').match(/\.{3}|[{}()]|\w+/g) ?? [];
  const stack = [];
  let next = roots.query;
  let depth = 0;
  tokens.forEach((token, i) => {
    if (token === '(') depth++;
    else if (token === ')') depth--;
    else if (depth) return;
    else if (token === '{') stack.push(next);
    else if (token === '}') {
      stack.pop();
      next = roots.query;
    } else if (tokens[i - 1] === 'on') next = token;
    else if (!stack.length) next = roots[token] ?? next;
    else next = types.get(stack.at(-1))?.fields?.find(({name}) => name === token)?.type.named ?? next;
  });
  return {type: depth ? null : stack.at(-1), begun};
}

class Explorer extends Screen {
  static properties = {text: {state: true}, variables: {state: true}, answer: {state: true}, offered: {state: true}, wanted: {state: true}};

  constructor() {
    super();
    Object.assign(this, {text: FIRST, variables: '{}', offered: [], wanted: ''});
  }

  async read(signal) {
    if (this.data) return this.data;
    const {__schema: schema} = (await send({query: INTROSPECTION}, signal)).data;
    const types = new Map(schema.types.map(type => [type.name, type]));
    for (const {fields} of schema.types) for (const field of fields ?? []) field.type.named = nameOf(field.type);
    const roots = {query: schema.queryType.name, mutation: schema.mutationType.name, subscription: schema.subscriptionType.name};
    return {types, roots};
  }

  async #run(event) {
    event?.preventDefault();
    const began = performance.now();
    try {
      const given = {...this.#clocks(), ...JSON.parse(this.variables || '{}')};
      const answer = await send({query: this.text, variables: given});
      this.answer = {text: JSON.stringify(answer, null, 2), isBad: !!answer.errors, ms: Math.round(performance.now() - began)};
    } catch (error) {
      this.answer = {text: error.message || say('offline'), isBad: true, ms: 0};
    }
  }

  /** Both clocks as the time bar has them, for documents that declare them. */
  #clocks() {
    return Object.fromEntries(Object.entries(clockTimes()).filter(([name, moment]) => moment && new RegExp(`\\$${name}\\b`).test(this.text)));
  }

  #type(event) {
    this.text = event.target.value;
    this.#offer(event.target);
  }

  #offer(area) {
    const {type, begun} = placeAt(area.value.slice(0, area.selectionStart), this.data);
    const names = this.data.types.get(type)?.fields?.map(({name}) => name) ?? [];
    this.offered = names.filter(name => name.startsWith(begun) && name !== begun).slice(0, MOST_OFFERED);
  }

  #complete(name) {
    const area = this.querySelector('#document');
    const {begun} = placeAt(area.value.slice(0, area.selectionStart), this.data);
    area.setRangeText(name, area.selectionStart - begun.length, area.selectionEnd, 'end');
    area.focus();
    this.#type({target: area});
  }

  #keys(event) {
    if (!event.ctrlKey) return;
    if (event.key === 'Enter') this.#run(event);
    if (event.key === ' ' && this.offered.length) event.preventDefault(), this.#complete(this.offered[0]);
  }

  #take(event) {
    const [screen, name] = event.target.value.split('/');
    if (!name) return;
    this.text = documentOf(name);
    this.variables = JSON.stringify(sent.get(screen).get(name), null, 2);
  }

  view() {
    return html`<h1>${say('explorer')}</h1>
      <div class="explorer"><form @submit=${this.#run} @keydown=${this.#keys}>
        ${sent.size ? html`<label>${say('explorer.asked')} <select @change=${this.#take}><option value="">${say('choose')}</option>
          ${[...sent].map(([screen, documents]) => html`<optgroup label=${say(screen)}>${[...documents.keys()].map(name => html`<option value="${screen}/${name}">${name}</option>`)}</optgroup>`)}</select></label>` : nothing}
        <label for="document">${say('explorer.document')}</label>
        <textarea id="document" rows="14" spellcheck="false" autocapitalize="off" .value=${this.text} @input=${this.#type} @click=${event => this.#offer(event.target)}></textarea>
        <p class="offered" role="group" aria-label=${say('explorer.fields')}>${this.offered.map(name => html`<button type="button" @click=${() => this.#complete(name)}>${name}</button>`)}</p>
        <label for="variables">${say('explorer.variables')}</label>
        <textarea id="variables" rows="4" spellcheck="false" .value=${this.variables} @input=${event => (this.variables = event.target.value)}></textarea>
        <p class="quiet">${say('explorer.clocks')}</p>
        <p><button class="primary" type="submit">${say('explorer.run')}</button> <kbd>Ctrl</kbd> <kbd>Enter</kbd>
          <button type="button" @click=${() => save('document.graphql', 'application/graphql', this.text)}>${say('explorer.save')}</button></p>
        ${this.answer ? html`<p role="status" class=${this.answer.isBad ? 'failure' : 'quiet'}>${say(this.answer.isBad ? 'explorer.refused' : 'explorer.answered', {ms: this.answer.ms})}</p>
          <pre tabindex="0" role="region" aria-label=${say('explorer.answer')}>${this.answer.text}</pre>` : nothing}
      </form>
      <section aria-label=${say('explorer.schema')}><label for="wanted">${say('explorer.find')}</label>
        <input id="wanted" type="search" autocomplete="off" .value=${this.wanted} @input=${event => (this.wanted = event.target.value)}>
        ${this.#found()}</section></div>`;
  }

  #found() {
    const {types, roots} = this.data;
    const wanted = this.wanted.trim().toLowerCase();
    const exact = [...types.values()].find(({name}) => name.toLowerCase() === wanted);
    if (exact) return this.#typeOf(exact);
    if (!wanted) return html`<ul>${Object.values(roots).map(name => html`<li>${this.#link(name)}</li>`)}</ul>`;
    const own = [...types.values()].filter(({name}) => name.toLowerCase().includes(wanted)).map(({name}) => html`<li>${this.#link(name)}</li>`);
    const fields = Object.values(roots).flatMap(root => types.get(root).fields.filter(({name}) => name.toLowerCase().includes(wanted)).map(field => this.#field(field)));
    return own.length || fields.length ? html`<ul>${own.slice(0, 30)}${fields.slice(0, 30)}</ul>` : html`<p role="status">${say('explorer.none')}</p>`;
  }

  #link(name, text = name) {
    return html`<button type="button" class="link" @click=${() => (this.wanted = name)}>${text}</button>`;
  }

  #field({name, description, type, args = []}) {
    return html`<li><b>${name}</b>${args.length ? html`(${args.map((arg, i) => html`${i ? ', ' : ''}${arg.name}: ${this.#link(nameOf(arg.type), shown(arg.type))}`)})` : nothing}: ${this.#link(nameOf(type), shown(type))}
      <small>${description}</small></li>`;
  }

  #typeOf({name, kind, description, fields, inputFields, enumValues, possibleTypes}) {
    return html`<h2>${name}</h2><p class="quiet">${kind.toLowerCase().replaceAll('_', ' ')}</p><p>${description}</p>
      <ul>${[...(fields ?? []), ...(inputFields ?? [])].map(field => this.#field(field))}
        ${(enumValues ?? []).map(value => html`<li><b>${value.name}</b> <small>${value.description}</small></li>`)}
        ${(kind === 'UNION' || kind === 'INTERFACE' ? possibleTypes : []).map(each => html`<li>${this.#link(each.name)}</li>`)}</ul>`;
  }
}

customElements.define('wb-explorer', Explorer);
