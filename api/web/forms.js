/** What the server says of its commands, made of its schema: who may give each, and, where a form is opened, its fields and types. */

export const rights = {commands: {}, rights: {}};
export const forms = {document: '', outcomes: {}, commands: {}, common: [], inputs: {}, enums: {}};

const load = async (file, into) => Object.assign(into, await (await fetch(`web/${file}.json`)).json());

export const loadRights = () => load('rights', rights);

/** Load all that a form needs. */
export const loadForms = () => Promise.all([load('forms', forms), import('./command.js')]);
