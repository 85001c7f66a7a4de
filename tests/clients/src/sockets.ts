// graphql-ws: everything over one WebSocket, queries and mutations too.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";
import { createClient, type FormattedExecutionResult } from "graphql-ws";
import WebSocket from "ws";
import { authorization, codesOf, go, points, socketUrl, type Client } from "./points.js";

const socket = createClient({
  url: socketUrl,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: authorization },
});

function following<D, V extends Record<string, unknown>>(document: TypedDocumentNode<D, V>, variables: V) {
  return socket.iterate<D, Record<string, unknown>>({ query: print(document), variables });
}

async function once<D, V extends Record<string, unknown>>(document: TypedDocumentNode<D, V>, variables: V) {
  for await (const item of following(document, variables)) return item as FormattedExecutionResult<D>;
  throw new Error("it ended without an answer");
}

const client: Client = {
  async ask(document, variables) {
    const { data, errors } = await once(document, variables);
    return { data, codes: codesOf(errors) };
  },
  async first(document, variables) {
    return (await once(document, variables)).data!;
  },
  close: () => socket.dispose(),
};

await go("graphql-ws", points("Sockets", client), client.close);
