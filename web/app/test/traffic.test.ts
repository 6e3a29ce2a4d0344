import type { FrameReport } from "coatcheck/ai";
import { expect, it, vi } from "vitest";
import { TrafficLedger } from "../src/chat/traffic.ts";

const ID = "11111111-1111-4111-8111-111111111111";
const reference = {
  type: "media_reference",
  version: 1,
  id: ID,
  uri: `media://${ID}`,
  mimeType: "image/png",
  size: 1_000_000,
  digest: `sha-256:${"0".repeat(64)}`,
};

const received = (bytes: number, chunk: object): FrameReport =>
  ({ direction: "received", bytes, frame: { seq: 0, chunk } }) as FrameReport;

it("books every frame that speaks of a picture on that picture", () => {
  const ledger = new TrafficLedger();
  const record = ledger.openAccount();
  record(received(100, { type: "start" }));
  record(received(150, { type: "data-media", id: "m1", data: { state: "pending" } }));
  expect(ledger.carriedFor(ID)).toBeNull();
  record(received(700, { type: "data-media", id: "m1", data: { state: "ready", reference } }));
  record(
    received(900, {
      type: "tool-output-available",
      output: { data: { imageReference: { type: "media_reference", id: ID } } },
    }),
  );
  expect(ledger.carriedFor(ID)).toEqual({ messages: 1750, previews: 0 });
  expect(ledger.totals).toEqual({ carried: 1850, previews: 0, keptOut: 1_000_000 });
});

it("books pushed previews and thumbnails on their picture, and apart from the messages", () => {
  const ledger = new TrafficLedger();
  const record = ledger.openAccount();
  record({ direction: "pushed", bytes: 9000, frame: { id: "m1" } } as FrameReport);
  record(received(700, { type: "data-media", id: "m1", data: { state: "ready", reference } }));
  expect(ledger.carriedFor(ID)).toEqual({ messages: 700, previews: 9000 });
  expect(ledger.totals).toEqual({ carried: 700, previews: 9000, keptOut: 1_000_000 });
});

it("keeps two conversations' parts of the same name apart", () => {
  const ledger = new TrafficLedger();
  ledger.openAccount()(
    received(5000, { type: "data-media", id: "m1", data: { state: "pending" } }),
  );
  ledger.openAccount()(
    received(700, { type: "data-media", id: "m1", data: { state: "ready", reference } }),
  );
  expect(ledger.carriedFor(ID)).toEqual({ messages: 700, previews: 0 });
});

it("tells its listeners once for what came together, until they leave", () => {
  vi.useFakeTimers();
  const ledger = new TrafficLedger();
  let calls = 0;
  const leave = ledger.subscribe(() => {
    calls += 1;
  });
  const record = ledger.openAccount();
  for (let frame = 0; frame < 10; frame += 1) {
    record(received(1, { type: "start" }));
  }
  expect([calls, ledger.totals.carried]).toEqual([0, 10]);
  vi.advanceTimersByTime(250);
  expect(calls).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(calls).toBe(1);
  record(received(1, { type: "start" }));
  vi.advanceTimersByTime(250);
  expect(calls).toBe(2);
  leave();
  record(received(1, { type: "finish" }));
  vi.advanceTimersByTime(250);
  expect(calls).toBe(2);
  vi.useRealTimers();
});
