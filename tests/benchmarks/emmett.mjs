// The same as emptying.py with emmett's command handler. Arguments: address, events, stays, appends.
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { CommandHandler } from "@event-driven-io/emmett";
import { getPostgreSQLEventStore } from "@event-driven-io/emmett-postgresql";

const [address, events, stays, appends] = process.argv.slice(2).map((a, n) => (n ? Number(a) : a));
const store = getPostgreSQLEventStore(address);

const visit = () => ({
  type: "VisitRecorded",
  data: {
    visit: randomUUID(),
    practitioner: "D1",
    kind: "ROUND",
    entry: {
      operation: "record_visit",
      digest: "0".repeat(32),
      occurredAt: new Date().toISOString(),
      recordedBy: { issuer: "bench", subject: "nurse-1", role: "nurse" },
      reason: "noted afterwards",
      hospital: "main",
    },
  },
});
const handle = CommandHandler({
  initialState: () => ({ visits: 0, last: null }),
  evolve: (state, event) => ({ visits: state.visits + 1, last: event.data.visit }),
});

const streams = Array.from({ length: stays }, () => `stay-${randomUUID()}`);
for (const stream of streams) {
  await store.appendToStream(stream, Array.from({ length: events }, visit));
}
for (const stream of streams) {
  const { state } = await store.aggregateStream(stream, {
    initialState: () => ({ visits: 0 }),
    evolve: (state) => ({ visits: state.visits + 1 }),
  });
  if (state.visits !== events) throw new Error(`${state.visits} events in ${stream}`);
}
// One round of appends for each line that comes in.
let n = 0;
for await (const _ of createInterface({ input: process.stdin })) {
  const begun = performance.now();
  for (let i = 0; i < appends; i += 1, n += 1) {
    await handle(store, streams[n % stays], () => visit());
  }
  console.log((appends * 1000) / (performance.now() - begun));
}
await store.close();
