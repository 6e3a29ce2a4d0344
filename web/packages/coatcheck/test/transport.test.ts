import type { UIMessage } from "ai";
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

describe("a turn", () => {
  it("sends only the newest message and streams until finish", async () => {
    const messages = [question("one"), question("two")];
    const { stream, socket } = await tab.begin({ messages });
    expect(socket.url).toBe("ws://chat.test/ws");
    expect(socket.sent).toEqual([
      { type: "message-send", conversationId: "c1", message: messages[1] },
    ]);

    socket.chunk({ type: "start" });
    socket.chunk({ type: "text-delta", id: "t", delta: "hi" });
    socket.chunk({ type: "finish" });
    expect(await readAll(stream)).toEqual({
      types: ["start", "text-delta", "finish"],
      error: null,
    });
    expect(tab.turns).toEqual([]);
  });

  it("follows the stream before it asks, and names what it has seen", async () => {
    tab = new Tab({ position: 1000 });
    const { socket } = await tab.ask();
    expect(socket.resumptions).toEqual([
      { type: "stream-resume", conversationId: "c1", seq: 1000, referencesOnce: true },
    ]);
    tab.transport.close();
    tab = new Tab();
    const other = await tab.ask();
    expect(other.socket.resumptions).toMatchObject([{ seq: 0 }]);
  });

  it("uses the same socket for the next turn", async () => {
    const first = await tab.begin();
    first.socket.chunk({ type: "finish" });
    const second = await tab.begin();
    expect(second.socket).toBe(first.socket);
    second.socket.chunk({ type: "finish" });
    expect((await readAll(second.stream)).types).toEqual(["finish"]);
  });

  it("asks for another answer by the message that is to be answered", async () => {
    const { stream, socket } = await tab.begin({ trigger: "regenerate-message" });
    expect(socket.sent).toEqual([
      { type: "message-regenerate", conversationId: "c1", messageId: "draw" },
    ]);
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).types).toEqual(["finish"]);
  });

  it("reports every frame's size in UTF-8 bytes", async () => {
    const { socket } = await tab.begin({ messages: [question("café")] });
    socket.chunk({ type: "text-delta", id: "t", delta: "✅" });
    const sent = tab.reports.findLast(({ direction }) => direction === "sent");
    expect(sent?.bytes).toBe(
      Buffer.byteLength(JSON.stringify({ ...socket.sent[0], roundTrip: socket.roundTrips[0] })),
    );
    expect(tab.reports.at(-1)?.bytes).toBe(
      Buffer.byteLength('{"seq":1002,"chunk":{"type":"text-delta","id":"t","delta":"✅"}}'),
    );
  });

  it("refuses to ask without a message of the user", async () => {
    await expect(tab.send({ messages: [] })).rejects.toMatchObject({ code: "unsupported" });
    const answer: UIMessage = { id: "a", role: "assistant", parts: [] };
    await expect(tab.send({ messages: [answer] })).rejects.toMatchObject({ code: "unsupported" });
  });

  it("refuses a second turn while the first one is being read", async () => {
    await tab.begin();
    await expect(tab.send()).rejects.toMatchObject({ code: "busy" });
  });

  it("offers binary frames unless it is told not to", async () => {
    const { socket } = await tab.ask();
    expect(socket.protocols).toEqual(["coatcheck.v1.binary", "coatcheck.v1"]);
    expect(socket.binaryType).toBe("arraybuffer");
    tab = new Tab({ binary: false });
    expect((await tab.ask()).socket.protocols).toEqual(["coatcheck.v1"]);
  });
});

describe("going wrong", () => {
  it("says that the server cannot be reached", async () => {
    const sending = tab.send();
    const refused = expect(sending).rejects.toMatchObject({ code: "unreachable" });
    await unreachable();
    await refused;

    // And is ready to try again at once.
    const { stream, socket } = await tab.begin();
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).error).toBeNull();
  });

  it("tries once more before it says so", async () => {
    const asking = tab.send();
    const lost = FakeSocket.last;
    lost.drop();
    const second = await nextSocket(lost);
    const stream = await asking;
    second.begin();
    second.chunk({ type: "finish" });
    expect((await readAll(stream)).error).toBeNull();
  });

  it("turns an error chunk into an error with the server's code", async () => {
    const { stream, socket } = await tab.begin();
    socket.chunk({ type: "start" });
    socket.chunk({ type: "error", errorText: "Overloaded.", code: "overloaded" });
    socket.chunk({ type: "finish" });
    const { types, error } = await readAll(stream);
    expect(types).toEqual(["start"]);
    expect(error).toMatchObject({
      code: "refused",
      message: "Overloaded.",
      serverCode: "overloaded",
    });
    // The finish ended the turn on the wire, so the next one may begin at once.
    await tab.begin();
  });

  it("passes on why a request was refused, and may ask again", async () => {
    const { stream, socket } = await tab.ask();
    socket.refuse("rate_limited");
    expect((await readAll(stream)).error).toMatchObject({
      code: "refused",
      serverCode: "rate_limited",
    });
    await tab.begin();
  });

  it("passes on why it may not connect", async () => {
    const sending = tab.send();
    const socket = FakeSocket.last;
    socket.answers = false;
    socket.accept();
    socket.aside({ type: "error", errorText: "Too many.", code: "too_many_sockets" });
    await expect(sending).rejects.toMatchObject({ serverCode: "too_many_sockets" });
  });

  it("takes another socket from a server that does not speak the protocol", async () => {
    const { socket } = await tab.begin();
    socket.frame("hello");
    expect(socket.readyState).toBe(3);
    await nextSocket(socket);
  });

  it("ignores what belongs to no turn, and what it does not know", async () => {
    const { stream, socket } = await tab.begin();
    socket.aside({ type: "data-ping", transient: true });
    socket.aside({ type: "something-new" });
    socket.aside({ type: "finish" });
    socket.frame(new ArrayBuffer(3));
    socket.chunk({ type: "finish" });
    socket.chunk({ type: "text-delta", id: "t", delta: "late" });
    expect((await readAll(stream)).types).toEqual(["finish"]);
  });
});

describe("stopping", () => {
  it("ends the stream at once, tells the server, and waits for it before the next turn", async () => {
    const stop = new AbortController();
    const { stream, socket } = await tab.begin({ abortSignal: stop.signal });
    socket.chunk({ type: "start" });
    stop.abort();
    expect(await readAll(stream)).toEqual({ types: ["start"], error: null });
    expect(socket.sent.at(-1)).toEqual({ type: "stream-cancel", conversationId: "c1" });

    const next = tab.send();
    await Promise.resolve();
    expect(socket.sent).toHaveLength(2);
    socket.chunk({ type: "text-delta", id: "t", delta: "of the old turn" });
    socket.chunk({ type: "abort" });
    const stream2 = await next;
    expect(socket.sent.at(-1)).toMatchObject({ type: "message-send" });
    socket.begin();
    socket.chunk({ type: "finish" });
    expect((await readAll(stream2)).types).toEqual(["finish"]);
  });

  it("is told again after a connection was lost", async () => {
    const stop = new AbortController();
    const { socket } = await tab.begin({ abortSignal: stop.signal });
    socket.drop();
    stop.abort();
    const second = await nextSocket(socket);
    expect(second.sent).toEqual([{ type: "stream-cancel", conversationId: "c1" }]);
  });

  it("leaves out a message that never arrived", async () => {
    const stop = new AbortController();
    const { socket } = await tab.ask({ abortSignal: stop.signal });
    socket.drop();
    stop.abort();
    const second = await nextSocket(socket);
    expect(second.sent).toEqual([]);
    await tab.begin();
  });

  it("takes a new socket when the server does not end a cancelled turn in time", async () => {
    const stop = new AbortController();
    const { socket } = await tab.begin({ abortSignal: stop.signal });
    stop.abort();
    const next = tab.send();
    await vi.waitFor(() => expect(FakeSocket.last).not.toBe(socket));
    FakeSocket.last.accept();
    await next;
    expect(socket.readyState).toBe(3);
  });

  it("sends nothing when stopped while still connecting", async () => {
    const stop = new AbortController();
    const sending = tab.send({ abortSignal: stop.signal });
    stop.abort();
    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent).toEqual([]);
  });

  it("cancels on the server when the reader goes away", async () => {
    const { stream, socket } = await tab.begin();
    await stream.cancel();
    expect(socket.sent.at(-1)).toEqual({ type: "stream-cancel", conversationId: "c1" });
  });

  it("fails the running turn when it is closed, and comes back no more", async () => {
    const { stream, socket } = await tab.begin();
    tab.transport.close();
    expect(socket.readyState).toBe(3);
    expect((await readAll(stream)).error).toMatchObject({ code: "disconnected" });
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(FakeSocket.last).toBe(socket);
  });
});
