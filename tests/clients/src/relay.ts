// Relay: what its compiler made of the schema, its store, its connections and its refetching by node.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createClient } from "graphql-ws";
import {
  commitMutation, Environment, fetchQuery, getSingularSelector, Network, Observable, RecordSource,
  requestSubscription, Store, type GraphQLResponse, type GraphQLTaggedNode, type MutationParameters,
  type OperationType,
} from "relay-runtime";
import WebSocket from "ws";
import again, { type relayDocumentsAgainQuery } from "./made/relay/relayDocumentsAgainQuery.graphql.js";
import byNothing from "./made/relay/relayDocumentsByNothingQuery.graphql.js";
import page, { type relayDocumentsPageQuery } from "./made/relay/relayDocumentsPageQuery.graphql.js";
import patient, { type relayDocumentsPatientQuery } from "./made/relay/relayDocumentsPatientQuery.graphql.js";
import register, {
  type relayDocumentsRegisterMutation,
} from "./made/relay/relayDocumentsRegisterMutation.graphql.js";
import registered, {
  type relayDocumentsRegisteredSubscription,
} from "./made/relay/relayDocumentsRegisteredSubscription.graphql.js";
import wards, { type relayDocumentsWardsQuery } from "./made/relay/relayDocumentsWardsQuery.graphql.js";
import onePatient from "./made/relay/relayDocuments_patient.graphql.js";
import allPatients from "./made/relay/relayDocuments_patients.graphql.js";
import { authorization, codesOf, go, socketUrl, url, type Points } from "./points.js";

const family = "Relay";
const mrns = [1, 2, 3].map((n) => `${family}-${n}`);
const socket = createClient({
  url: socketUrl,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: authorization },
});
let codes: string[] = [];

const environment = new Environment({
  store: new Store(new RecordSource()),
  network: Network.create(
    async ({ text }, variables) => {
      const headers = { authorization, "content-type": "application/json" };
      const body = JSON.stringify({ query: text, variables });
      const told = await (await fetch(url, { method: "POST", headers, body })).json();
      codes = codesOf(told.errors);
      return told as GraphQLResponse;
    },
    ({ text }, variables) =>
      Observable.create((sink) => socket.subscribe({ query: text!, variables }, sink as never)),
  ),
});

async function ask<Q extends OperationType>(query: GraphQLTaggedNode, variables: Q["variables"]) {
  return (await fetchQuery<Q>(environment, query, variables).toPromise())!;
}

function give<M extends MutationParameters>(mutation: GraphQLTaggedNode, variables: M["variables"]) {
  return new Promise<M["response"]>((onCompleted, onError) =>
    commitMutation<M>(environment, { mutation, variables, onCompleted, onError }),
  );
}

async function registering(mrn: string) {
  const input = { commandId: randomUUID(), mrn, familyName: family, givenName: mrn };
  return (await give<relayDocumentsRegisterMutation>(register, { input })).registerPatient;
}

/** What the store holds of a fragment. */
function held(fragment: GraphQLTaggedNode, of: unknown): any {
  const selector = getSingularSelector(fragment as never, of as never)!;
  const { data, isMissingData } = environment.lookup(selector as never);
  assert.equal(isMissingData, false);
  return data;
}

let id = "";
let before = "";

const todo: Points = {
  async query() {
    assert.ok(Array.isArray((await ask<relayDocumentsWardsQuery>(wards, {})).wards));
  },
  async mutation() {
    for (const mrn of mrns) {
      const told = await registering(mrn);
      assert.ok(told.__typename === "PatientRecorded", JSON.stringify(told));
      id = told.patient!.id;
      before ||= told.position!;
    }
  },
  async refusal() {
    const told = await registering(mrns[0]!);
    assert.deepEqual([told.__typename, told.code, told.path], ["AlreadyExists", "AlreadyExists", ["mrn"]]);
  },
  async variables() {
    const told = await ask<relayDocumentsPatientQuery>(patient, { mrn: mrns[2]! });
    assert.deepEqual(told.patient, { id, familyName: family });
  },
  async paging() {
    const first = await ask<relayDocumentsPageQuery>(page, { search: family });
    const { endCursor, hasNextPage } = held(allPatients, first).patients.pageInfo;
    assert.equal(hasNextPage, true);
    const next = await ask<relayDocumentsPageQuery>(page, { search: family, after: endCursor });
    const { edges } = held(allPatients, next).patients;
    assert.deepEqual(edges.map((edge: any) => edge.node.mrn), mrns);
  },
  async node() {
    const told = await ask<relayDocumentsAgainQuery>(again, { id });
    const { mrn, familyName } = held(onePatient, told.node);
    assert.deepEqual([mrn, familyName], [mrns[2], family]);
  },
  async subscription() {
    const told = await new Promise<any>((resolve, onError) => {
      requestSubscription<relayDocumentsRegisteredSubscription>(environment, {
        subscription: registered, variables: { after: before }, onNext: resolve, onError,
      });
    });
    assert.equal(told.events.data.mrn, mrns[1]);
  },
  async error() {
    await assert.rejects(ask(byNothing, {}));
    assert.deepEqual(codes, ["InvalidInput"]);
  },
};

await go("Relay", todo, () => socket.dispose());
