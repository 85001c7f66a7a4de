// What every client has to do with a Wardbook server, and whether it did.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import * as ask from "./made/operations/graphql.js";

export const url = process.env.WARDBOOK_URL!;
export const socketUrl = url.replace(/^http/, "ws");
export const authorization = `Bearer ${process.env.WARDBOOK_TOKEN}`;

/** What a client was answered: data, and the codes of the faults. */
export interface Told<Data> {
  data?: Data | null;
  codes: string[];
}

/** A client, as far as the points need it. */
export interface Client {
  ask<D, V extends Record<string, unknown>>(document: TypedDocumentNode<D, V>, variables: V): Promise<Told<D>>;
  /** The first item of a subscription. */
  first<D, V extends Record<string, unknown>>(document: TypedDocumentNode<D, V>, variables: V): Promise<D>;
  /** The MRNs of all pages of two; a client that merges pages by itself does so. */
  pages?(search: string): Promise<string[]>;
  close(): Promise<void> | void;
}

export type Points = Record<
  "query" | "variables" | "mutation" | "refusal" | "paging" | "node" | "subscription" | "error",
  () => Promise<void>
>;

/** The points, each by the documents that graphql-codegen typed. */
export function points(family: string, client: Client): Points {
  const mrns = [1, 2, 3].map((n) => `${family}-${n}`);
  let id = "";
  let before = "";

  async function register(mrn: string) {
    const input = { commandId: randomUUID(), mrn, familyName: family, givenName: mrn };
    const { data, codes } = await client.ask(ask.RegisterDocument, { input });
    assert.deepEqual(codes, []);
    return data!.registerPatient;
  }

  return {
    async query() {
      const { data, codes } = await client.ask(ask.WardsDocument, {});
      assert.deepEqual(codes, []);
      assert.ok(Array.isArray(data!.wards));
    },
    async mutation() {
      for (const mrn of mrns) {
        const told = await register(mrn);
        assert.ok(told.__typename === "PatientRecorded", JSON.stringify(told));
        assert.equal(told.patient.mrn, mrn);
        id = told.patient.id;
        before ||= told.position;
      }
    },
    async refusal() {
      const told = await register(mrns[0]!);
      assert.ok(told.__typename === "AlreadyExists", JSON.stringify(told));
      assert.equal(told.code, "AlreadyExists");
      assert.deepEqual(told.path, ["mrn"]);
    },
    async variables() {
      const { data } = await client.ask(ask.PatientByMrnDocument, { mrn: mrns[2]! });
      assert.deepEqual([data!.patient!.id, data!.patient!.familyName], [id, family]);
    },
    async paging() {
      assert.deepEqual(await (client.pages ?? ((search) => pages(client, search)))(family), mrns);
    },
    async node() {
      const { data } = await client.ask(ask.ByIdDocument, { id });
      const found = data!.node!;
      assert.ok(found.__typename === "Patient");
      assert.deepEqual([found.id, found.mrn], [id, mrns[2]]);
    },
    async subscription() {
      const { events } = await client.first(ask.RegisteredDocument, { after: before });
      assert.equal(events.data["mrn"], mrns[1]);
    },
    async error() {
      const { codes } = await client.ask(ask.PatientByNothingDocument, {});
      assert.deepEqual(codes, ["InvalidInput"]);
    },
  };
}

async function pages(client: Client, search: string): Promise<string[]> {
  const found: string[] = [];
  let after: string | null | undefined = null;
  do {
    const { data }: Told<ask.PatientsQuery> = await client.ask(ask.PatientsDocument, {
      search, first: 2, after,
    });
    found.push(...data!.patients.edges.map((edge) => edge.node.mrn));
    after = data!.patients.pageInfo.hasNextPage ? data!.patients.pageInfo.endCursor : null;
  } while (after);
  return found;
}

/** Go through all points; say which failed; end with their number. */
export async function go(name: string, todo: Points, close: () => Promise<void> | void) {
  const order: (keyof Points)[] = [
    "query", "mutation", "refusal", "variables", "paging", "node", "subscription", "error",
  ];
  const done: string[] = [];
  for (const point of order) {
    try {
      await within(20, todo[point]());
      done.push(point);
    } catch (failure) {
      console.error(`${name} fails at ${point}:`, failure);
    }
  }
  console.log(`${name}: ${done.length} of ${order.length} (${done.join(", ")})`);
  await close();
  process.exit(order.length - done.length);
}

function within<T>(seconds: number, promise: Promise<T>): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, refuse) => setTimeout(() => refuse(new Error("no answer")), seconds * 1000)),
  ]);
}

/** The codes of faults, whichever class the client has for them. */
export function codesOf(errors: readonly { extensions?: Record<string, unknown> }[] | undefined): string[] {
  return (errors ?? []).map((error) => String(error.extensions?.["code"]));
}
