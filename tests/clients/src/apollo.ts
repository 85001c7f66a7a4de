// Apollo Client: normalized cache, unions by the generated possible types, pages merged by fetchMore.
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, split } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { getMainDefinition, relayStylePagination } from "@apollo/client/utilities";
import { createClient } from "graphql-ws";
import { filter, firstValueFrom } from "rxjs";
import WebSocket from "ws";
import { PatientsDocument } from "./made/operations/graphql.js";
import possible from "./made/possible.js";
import { authorization, codesOf, go, points, socketUrl, url, type Client } from "./points.js";

const socket = createClient({
  url: socketUrl,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: authorization },
});
const apollo = new ApolloClient({
  cache: new InMemoryCache({
    possibleTypes: possible.possibleTypes,
    typePolicies: { Query: { fields: { patients: relayStylePagination(["search"]) } } },
  }),
  link: split(
    ({ query }) => {
      const main = getMainDefinition(query);
      return main.kind === "OperationDefinition" && main.operation === "subscription";
    },
    new GraphQLWsLink(socket),
    new HttpLink({ uri: url, headers: { authorization } }),
  ),
});

function codes(error: unknown): string[] {
  if (error === undefined) return [];
  if (CombinedGraphQLErrors.is(error)) return codesOf(error.errors);
  throw error;
}

const client: Client = {
  async ask(document, variables) {
    const definition = getMainDefinition(document);
    const isCommand = "operation" in definition && definition.operation === "mutation";
    const { data, error } = isCommand
      ? await apollo.mutate<any, any>({ mutation: document, variables, errorPolicy: "all" })
      : await apollo.query<any, any>({ query: document, variables, errorPolicy: "all" });
    return { data: data ?? null, codes: codes(error) };
  },
  async first(document, variables) {
    const { data } = await firstValueFrom(apollo.subscribe<any, any>({ query: document, variables }));
    return data;
  },
  async pages(search) {
    const asked = { query: PatientsDocument, variables: { search, first: 2 } };
    const query = apollo.watchQuery(asked);
    const following = query.subscribe(() => {});
    const { data } = await firstValueFrom(query.pipe(filter(({ dataState }) => dataState === "complete")));
    await query.fetchMore({ variables: { after: data!.patients!.pageInfo!.endCursor } });
    following.unsubscribe();
    return apollo.readQuery(asked)!.patients.edges.map((edge) => edge.node.mrn);
  },
  close: () => {
    apollo.stop();
    return socket.dispose();
  },
};

await go("Apollo Client", points("Apollo", client), client.close);
