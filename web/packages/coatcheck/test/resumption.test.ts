import { ChatTransportError } from "coatcheck/ai";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSocket } from "./fake-socket.ts";
import { nextSocket, question, readAll, Tab, unreachable } from "./tab.ts";

let tab: Tab;

beforeEach(() => {
  FakeSocket.reset();
  tab = new Tab();
});

// A link that is left open goes on trying, with the next test's sockets.
afterEach(() => tab.transport.close());

describe("a connection that is lost", () => {
  it("comes back, and the reader of the turn notices nothing", async () => {
    const { stream, socket } = await tab.begin();
    socket.chunk({ type: "start" });
    socket.drop();
    FakeSocket.running = true;
    FakeSocket.missed = [{ type: "text-start", id: "t" }];
    const second = await nextSocket(socket);
    expect(second.resumptions).toMatchObject([{ conversationId: "c1", seq: 1002 }]);
    second.chunk({ type: "finish" });
    expect(await readAll(stream)).toEqual({
      types: ["start", "text-start", "finish"],
      error: null,
    });
    expect(second.sent).toEqual([]);
  });

  it("may be lost any number of times, and while it is being replaced", async () => {
    const { stream, socket } = await tab.begin();
    let current = socket;
    for (let round = 0; round < 5; round += 1) {
      current.drop();
      FakeSocket.missed = [{ type: "text-delta", id: "t", delta: String(round) }];
      // biome-ignore lint/performance/noAwaitInLoops: one socket after the other
      await vi.waitFor(() => expect(FakeSocket.last).not.toBe(current));
      const refused = FakeSocket.last;
      refused.drop();
      current = await nextSocket(refused);
    }
    current.chunk({ type: "finish" });
    const { types, error } = await readAll(stream);
    expect(types).toEqual([...Array.from({ length: 5 }, () => "text-delta"), "finish"]);
    expect(error).toBeNull();
  });

  it("brings the end of a turn that ended meanwhile", async () => {
    const { stream, socket } = await tab.begin();
    socket.drop();
    FakeSocket.missed = [{ type: "start" }, { type: "finish" }];
    await nextSocket(socket);
    expect(await readAll(stream)).toEqual({ types: ["start", "finish"], error: null });
    await tab.begin();
  });
});

describe("a connection that is not as it should be", () => {
  it("is replaced when it goes silent", async () => {
    tab = new Tab({ silence: 300 });
    const { stream, socket } = await tab.begin();
    const second = await nextSocket(socket);
    second.chunk({ type: "finish" });
    expect((await readAll(stream)).error).toBeNull();
  });

  it("is replaced when a frame was lost on the way, and passes over one that comes twice", async () => {
    const { stream, socket } = await tab.begin();
    socket.chunk({ type: "start" });
    socket.frame('{"seq":1002,"chunk":{"type":"start"}}');
    socket.skip();
    socket.chunk({ type: "finish" });
    FakeSocket.seq = 1002;
    FakeSocket.missed = [{ type: "text-start", id: "t" }, { type: "finish" }];
    await nextSocket(socket);
    expect((await readAll(stream)).types).toEqual(["start", "text-start", "finish"]);
  });

  it("is given up in the end, after what came; the turn is offered anew when it does come back", async () => {
    tab = new Tab({ patience: 30, retryDelay: 200 });
    const { stream, socket } = await tab.begin();
    socket.chunk({ type: "start" });
    socket.drop();
    const { types, error } = await readAll(stream);
    expect(types).toEqual(["start"]);
    expect(error).toBeInstanceOf(ChatTransportError);
    expect(error).toMatchObject({ code: "disconnected" });

    FakeSocket.seq = 1000;
    FakeSocket.missed = [
      { type: "data-turn", data: { trigger: "submit-message", messageId: "draw" } },
      { type: "start" },
      { type: "finish" },
    ];
    const second = await nextSocket(socket);
    expect(second.resumptions).toMatchObject([{ seq: 1000 }]);
    expect(tab.turns).toEqual([
      { trigger: "submit-message", messageId: "draw", message: null, edited: false },
    ]);
    const joined = await tab.transport.reconnectToStream({ chatId: "c1" });
    expect(joined && (await readAll(joined)).types).toEqual(["start", "finish"]);
  });

  it("tells when what was missed is not to be had any more", async () => {
    const onExpired = vi.fn();
    tab = new Tab({ onExpired });
    const { stream, socket } = await tab.begin();
    socket.drop();
    await vi.waitFor(() => expect(FakeSocket.last).not.toBe(socket));
    const second = FakeSocket.last;
    second.answers = false;
    second.accept();
    second.answers = true;
    second.refuse("stream_expired");
    expect((await readAll(stream)).error).toMatchObject({ code: "expired" });
    expect(onExpired).toHaveBeenCalledTimes(1);
    // It follows the stream from where it is now.
    expect(second.resumptions).toMatchObject([{ seq: 1001 }, { seq: 0 }]);
    second.turn("submit-message", "another");
    expect(tab.turns).toHaveLength(1);
  });
});

describe("a transport that was closed", () => {
  it("goes on where it was when it is used again", async () => {
    tab = new Tab({ position: 1000 });
    const first = await tab.begin();
    first.socket.chunk({ type: "finish" });
    tab.transport.close();
    const second = await tab.begin();
    expect(second.socket).not.toBe(first.socket);
    expect(second.socket.resumptions).toMatchObject([{ seq: 1002 }]);
    expect(tab.turns).toEqual([]);
  });
});

describe("several tabs", () => {
  it("hear of a turn that another one asked for, and join it", async () => {
    const socket = await tab.follow();
    expect(await tab.transport.reconnectToStream({ chatId: "c1" })).toBeNull();

    const message = question("from the other tab");
    socket.turn("submit-message", message.id, message);
    socket.chunk({ type: "start" });
    expect(tab.turns).toEqual([
      { trigger: "submit-message", messageId: message.id, message, edited: false },
    ]);
    const stream = await tab.transport.reconnectToStream({ chatId: "c1" });
    socket.chunk({ type: "finish" });
    expect(stream && (await readAll(stream)).types).toEqual(["start", "finish"]);
  });

  it("join what was under way when they came", async () => {
    FakeSocket.running = true;
    FakeSocket.missed = [
      { type: "data-turn", data: { trigger: "regenerate-message", messageId: "m" } },
      { type: "start" },
    ];
    const joining = tab.transport.reconnectToStream({ chatId: "c1" });
    FakeSocket.last.accept();
    const stream = await joining;
    FakeSocket.last.chunk({ type: "finish" });
    expect(stream && (await readAll(stream)).types).toEqual(["start", "finish"]);
    expect(tab.turns).toEqual([
      { trigger: "regenerate-message", messageId: "m", message: null, edited: false },
    ]);
  });

  it("join every turn that they missed, one after the other", async () => {
    FakeSocket.missed = ["m1", "m2"].flatMap((messageId) => [
      { type: "data-turn", data: { trigger: "submit-message", messageId } },
      { type: "finish" },
    ]);
    const first = tab.transport.reconnectToStream({ chatId: "c1" });
    FakeSocket.last.accept();
    expect(await first).not.toBeNull();
    expect(await tab.transport.reconnectToStream({ chatId: "c1" })).not.toBeNull();
    expect(await tab.transport.reconnectToStream({ chatId: "c1" })).toBeNull();
    expect(tab.turns.map(({ messageId }) => messageId)).toEqual(["m1", "m2"]);
  });

  it("may ask while another's turn runs, and are refused without losing it", async () => {
    const socket = await tab.follow();
    socket.turn("submit-message", "theirs");
    const theirs = await tab.transport.reconnectToStream({ chatId: "c1" });
    const mine = await tab.send();
    socket.refuse("turn_in_progress");
    expect((await readAll(mine)).error).toMatchObject({ serverCode: "turn_in_progress" });
    socket.chunk({ type: "finish" });
    expect(theirs && (await readAll(theirs)).types).toEqual(["finish"]);
  });

  it("stop a turn that they joined", async () => {
    const stop = new AbortController();
    const socket = await tab.follow();
    socket.turn("submit-message", "theirs");
    const stream = await tab.transport.reconnectToStream({
      chatId: "c1",
      abortSignal: stop.signal,
    });
    stop.abort();
    expect(stream && (await readAll(stream)).error).toBeNull();
    expect(socket.sent).toEqual([{ type: "stream-cancel", conversationId: "c1" }]);
  });

  it("have nothing to join where the server cannot be reached, and go on trying", async () => {
    const joining = tab.transport.reconnectToStream({ chatId: "c1" });
    const socket = await unreachable();
    expect(await joining).toBeNull();
    const second = await nextSocket(socket);
    second.turn("submit-message", "theirs");
    expect(tab.turns).toHaveLength(1);
  });
});
