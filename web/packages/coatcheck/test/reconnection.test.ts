import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSocket } from "./fake-socket.ts";
import { nextSocket, readAll, Tab } from "./tab.ts";

let tab: Tab;

beforeEach(() => {
  FakeSocket.reset();
  tab = new Tab();
});

// A link that is left open goes on trying, with the next test's sockets.
afterEach(() => {
  tab.transport.close();
  vi.useRealTimers();
});

describe("a connection that is lost", () => {
  it("is replaced after a delay that doubles with each failure, up to a bound", async () => {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(0); // half of the longest delay
    tab = new Tab({ retryDelay: 1000 });
    await tab.follow();
    for (const delay of [500, 1000, 2000, 4000, 7500, 7500]) {
      const lost = FakeSocket.last;
      lost.drop();
      vi.advanceTimersByTime(delay - 1);
      expect(FakeSocket.last).toBe(lost);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.last).not.toBe(lost);
    }
  });

  it("is tried after the first delay again once frames have come", async () => {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(0);
    tab = new Tab({ retryDelay: 1000 });
    const first = await tab.follow();
    first.drop();
    vi.advanceTimersByTime(500);
    FakeSocket.last.drop();
    vi.advanceTimersByTime(1000);
    const working = FakeSocket.last;
    working.accept();
    working.chunk({ type: "start" });
    working.drop();
    vi.advanceTimersByTime(500);
    expect(FakeSocket.last).not.toBe(working);
  });
});

describe("a request that the server has not taken up", () => {
  it("asks again for what never arrived, once", async () => {
    const { stream, socket } = await tab.ask();
    socket.drop();
    const second = await nextSocket(socket);
    expect(second.sent).toEqual(socket.sent);
    second.drop();
    const third = await nextSocket(second);
    third.begin();
    third.chunk({ type: "finish" });
    expect((await readAll(stream)).error).toBeNull();
    expect(third.sent).toHaveLength(1);
  });

  it("asks again once, however many frames follow", async () => {
    const { socket } = await tab.ask();
    socket.drop();
    // Another's turn is under way: its frames follow the resumption.
    FakeSocket.missed = [{ type: "start" }, { type: "text-start", id: "t" }];
    const second = await nextSocket(socket);
    expect(second.sent).toEqual(socket.sent);
    second.chunk({ type: "text-delta", id: "t", delta: "a" });
    second.chunk({ type: "text-delta", id: "t", delta: "b" });
    expect(second.sent).toEqual(socket.sent);
  });

  it("asks again only when all that was missed is seen", async () => {
    const { socket } = await tab.ask();
    socket.drop();
    await vi.waitUntil(() => FakeSocket.last !== socket);
    const second = FakeSocket.last;
    second.answers = false;
    second.accept();
    const data = { seq: FakeSocket.seq, last: FakeSocket.seq + 2, running: true };
    second.aside({ type: "data-resumed", transient: true, data });
    second.chunk({ type: "start" });
    expect(second.sent).toEqual([]);
    second.chunk({ type: "text-start", id: "t" });
    expect(second.sent).toEqual(socket.sent);
  });

  it("does not ask again for what did arrive", async () => {
    const { stream, socket } = await tab.ask();
    socket.drop();
    FakeSocket.missed = [
      { type: "data-turn", data: { trigger: "submit-message", messageId: "draw" } },
      { type: "start" },
    ];
    const second = await nextSocket(socket);
    second.chunk({ type: "finish" });
    expect((await readAll(stream)).types).toEqual(["start", "finish"]);
    expect(second.sent).toEqual([]);
    expect(tab.turns).toEqual([]);
  });

  it("is not answered by a turn that another tab asked for", async () => {
    const { stream, socket } = await tab.ask();
    socket.turn("submit-message", "theirs");
    socket.chunk({ type: "finish" });
    expect(tab.turns.map(({ messageId }) => messageId)).toEqual(["theirs"]);
    socket.begin();
    socket.chunk({ type: "start" });
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).types).toEqual(["start", "finish"]);
  });
});
