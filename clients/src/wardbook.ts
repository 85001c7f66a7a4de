// A small client of Wardbook: typed questions, commands that have one effect, subscriptions without gaps.
import { randomUUID } from "node:crypto";
import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";
import { createClient, type Client } from "graphql-ws";
import WebSocket from "ws";
import type { ErrorCode, TypedDocumentString } from "./made/graphql.js";

/** Why a question, or a part of it, was not answered: for programs, as a refusal has it, and for people. */
export interface Fault {
  message: string;
  path?: (string | number)[];
  extensions: { errorCode: ErrorCode; parameters?: Record<string, string | number | boolean> } & Record<string, unknown>;
}

/** What was answered; `faults` beside data: these parts lack. */
export interface Answer<Data> {
  data: Data;
  faults: Fault[];
  /** Where in the log the answer was read; a subscription goes on from it. */
  position: string | undefined;
}

export class NotAnswered extends Error {
  constructor(readonly faults: Fault[]) {
    super(faults.map((fault) => fault.message).join(" "));
  }
}

/** Codes after which the same command may be sent again: whether it was recorded is not known. */
const AGAIN = new Set<ErrorCode>(["DATABASE_AWAY", "TOO_MANY_REQUESTS"]);
const ATTEMPTS = 5;

export class Wardbook {
  private readonly socket: Client;

  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {
    this.socket = createClient({
      url: url.replace(/^http/, "ws"),
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
    });
  }

  /** Ask a question. Throws NotAnswered where no part of it was answered. */
  async ask<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
  ): Promise<Answer<Data>> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${this.token}`,
        "content-type": "application/json",
        accept: "application/graphql-response+json",
      },
      body: JSON.stringify({ query: document.toString(), variables }),
    });
    const { data, errors = [], extensions } = (await response.json()) as {
      data?: Data | null;
      errors?: Fault[];
      extensions?: { position?: string };
    };
    if (!data) throw new NotAnswered(errors);
    return { data, faults: errors, position: extensions?.position };
  }

  /** Give a command. Its id is made once: however often it is sent, it has one effect. */
  async give<Document extends TypedDocumentString<any, any>>(
    document: Document,
    input: Omit<VariablesOf<Document>["input"], "commandId">,
  ): Promise<ResultOf<Document>> {
    const variables = { input: { ...input, commandId: randomUUID() } };
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.ask(document, variables)).data;
      } catch (error) {
        const again =
          error instanceof TypeError || // the network
          (error instanceof NotAnswered && error.faults.some(({ extensions }) => AGAIN.has(extensions.errorCode)));
        if (!again || attempt === ATTEMPTS) throw error;
        await new Promise((done) => setTimeout(done, 200 * 2 ** attempt));
      }
    }
  }

  /** Follow what a subscription tells; with `after`, beginning with what was missed since. */
  async *follow<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
  ): AsyncGenerator<Data> {
    const items = this.socket.iterate<Data>({ query: document.toString(), variables });
    for await (const item of items) {
      if (item.errors) throw new NotAnswered(item.errors as unknown as Fault[]);
      if (item.data) yield item.data;
    }
  }

  async close(): Promise<void> {
    await this.socket.dispose();
  }
}
