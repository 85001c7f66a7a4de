/** What the server says of its commands: fields, types, who may; made of its schema. */

export const forms = {document: '', outcomes: {}, commands: {}, common: [], inputs: {}, enums: {}, rights: {}};

export async function loadForms() {
  Object.assign(forms, await (await fetch('web/forms.json')).json());
}
