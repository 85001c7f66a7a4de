// urql: its document cache, its fetch and its subscriptions. With WARDBOOK_TRUSTED it sends ids only.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { cacheExchange, Client as Urql, fetchExchange, subscriptionExchange } from "@urql/core";
import { Kind } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { authorization, codesOf, go, points, socketUrl, url, type Client } from "./points.js";

const trusted = process.env.WARDBOOK_TRUSTED === "1";
const socket = createClient({
  url: socketUrl,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: authorization },
});
const urql = new Urql({
  url,
  fetchOptions: { headers: { authorization } },
  preferGetMethod: false,
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({
          // with an id there is no text, and graphql-ws wants one
          unsubscribe: socket.subscribe({ ...request, query: request.query ?? "" }, sink as never),
        }),
      }),
    }),
  ],
});

/** The document, or only its id as graphql-codegen wrote it into the manifest. */
function asked<D, V>(document: TypedDocumentNode<D, V>): TypedDocumentNode<D, V> {
  if (!trusted) return document;
  const { hash } = (document as { __meta__?: { hash: string } }).__meta__!;
  return { kind: Kind.DOCUMENT, definitions: [], documentId: hash } as never;
}

const client: Client = {
  async ask(document, variables) {
    const isCommand = document.definitions.some((d) => "operation" in d && d.operation === "mutation");
    const { data, error } = await (isCommand
      ? urql.mutation(asked(document), variables)
      : urql.query(asked(document), variables)
    ).toPromise();
    if (error?.networkError) throw error.networkError;
    return { data: data ?? null, codes: codesOf(error?.graphQLErrors) };
  },
  first: (document, variables) =>
    new Promise((resolve, reject) => {
      const { unsubscribe } = urql.subscription(asked(document), variables).subscribe(({ data, error }) => {
        if (error) reject(error);
        else if (data) {
          resolve(data);
          setTimeout(() => unsubscribe());
        }
      });
    }),
  close: () => socket.dispose(),
};

await go(trusted ? "urql, by ids of trusted documents" : "urql", points(trusted ? "Trusted" : "Urql", client), client.close);
