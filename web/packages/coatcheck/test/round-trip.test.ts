import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RoundTrip } from "../src/ai/round-trip.ts";
import { FakeSocket } from "./fake-socket.ts";
import { Tab } from "./tab.ts";

describe("a round trip", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is the shortest of those that were seen", () => {
    const roundTrip = new RoundTrip();
    expect(roundTrip.told).toEqual({});
    for (const taken of [80, 35, 60]) {
      roundTrip.begin();
      vi.advanceTimersByTime(taken);
      roundTrip.end();
    }
    expect(roundTrip.told).toEqual({ roundTrip: 35 });
  });

  it("is not measured by what comes unasked", () => {
    const roundTrip = new RoundTrip();
    roundTrip.end();
    expect(roundTrip.told).toEqual({});
    roundTrip.begin();
    roundTrip.end();
    vi.advanceTimersByTime(500);
    roundTrip.end();
    expect(roundTrip.told).toEqual({ roundTrip: 0 });
  });
});

describe("a transport", () => {
  beforeEach(() => FakeSocket.reset());

  it("tells what it measured with what it asks for", async () => {
    const { socket } = await new Tab().begin();
    expect(socket.roundTrips).toEqual([expect.any(Number)]);
  });
});
