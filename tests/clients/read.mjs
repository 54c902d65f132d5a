// The official Node client against a server's log: reads a stream, reads all with a filter, follows a subscription.
//
// Run by `tests/clients/run` with CONNECTION, STREAM and READY in the environment. When it follows, it says so by making
// the file READY; then messages are sent.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.PACKAGES + "/");
const {
  KurrentDBClient, BACKWARDS, END, START, FORWARDS, StreamNotFoundError,
  eventTypeFilter, excludeSystemEvents, streamNameFilter,
} = require("@kurrent/kurrentdb-client");

const { CONNECTION, STREAM, READY } = process.env;
const client = KurrentDBClient.connectionString(CONNECTION);

const collect = async (reading) => {
  const events = [];
  for await (const { event } of reading) events.push(event);
  return events;
};
const body = (event) => event.data.opened.body;
const ids = (events) => events.map((event) => event.id);

// a stream, both ways
const events = await collect(client.readStream(STREAM));
assert.deepEqual(events.map((event) => Number(event.revision)), events.map((_, at) => at));
const sent = events.filter((event) => event.type === "message_sent");
assert.deepEqual(sent.map(body), ["one", "two", "three"]);
const backwards = await collect(client.readStream(STREAM, { direction: BACKWARDS, fromRevision: END }));
assert.deepEqual(ids(backwards), ids(events).reverse());
await assert.rejects(collect(client.readStream("conversation-nowhere")), StreamNotFoundError);

// the whole log, with filters
// without the notes that an auditor was shown something: every reading adds one
const unnoted = (events) => events.filter((event) => event.type !== "content_accessed");
const everything = unnoted(await collect(client.readAll()));
assert.ok(everything.length > events.length);
const back = unnoted(await collect(client.readAll({ direction: BACKWARDS, fromPosition: END })));
assert.deepEqual(ids(back), ids(everything).reverse());
const byType = await collect(client.readAll({ filter: eventTypeFilter({ prefixes: ["message_"] }) }));
assert.deepEqual(ids(byType), ids(sent));
const byStream = await collect(client.readAll({ filter: streamNameFilter({ regex: "^conversation-" }) }));
assert.deepEqual(ids(byStream), ids(events));
const ours = unnoted(await collect(client.readAll({ filter: excludeSystemEvents() })));
assert.equal(ours.length, everything.length);

// a subscription, while messages are sent
const bodies = [];
let checkpoints = 0;
const subscription = client.subscribeToAll({
  fromPosition: START,
  filter: eventTypeFilter({ prefixes: ["message_sent"], checkpointInterval: 1, maxSearchWindow: 1,
    checkpointReached: async () => { checkpoints += 1; } }),
});
subscription.on("caughtUp", () => { if (bodies.length === 3) writeFileSync(READY, ""); });
for await (const { event } of subscription) {
  bodies.push(body(event));
  if (bodies.length === 6) break;
}
await subscription.unsubscribe();
assert.deepEqual(bodies, ["one", "two", "three", "four", "five", "six"]);
assert.ok(checkpoints > 0, "no checkpoints");

const later = [];
const following = client.subscribeToStream(STREAM, { fromRevision: BigInt(events.length - 1) });
for await (const { event } of following) {
  later.push(body(event));
  if (later.length === 3) break;
}
await following.unsubscribe();
assert.deepEqual(later, ["four", "five", "six"]);
await client.dispose();

// without credentials there is nothing
const stranger = KurrentDBClient.connectionString(CONNECTION.replace(/:\/\/.*@/, "://"));
await assert.rejects(collect(stranger.readAll({ direction: FORWARDS, maxCount: 1 })));
await stranger.dispose();
console.log("@kurrent/kurrentdb-client (Node): as expected");
process.exit(0);
