import type { UIMessage, UIMessageChunk } from "ai";
import {
  ChatTransportError,
  type FrameReport,
  type TurnStart,
  WebSocketChatTransport,
  type WebSocketChatTransportOptions,
} from "coatcheck";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSocket } from "./fake-socket.ts";

const question = (text: string): UIMessage => ({
  id: text,
  role: "user",
  parts: [{ type: "text", text }],
});

let transport: WebSocketChatTransport;
let reports: FrameReport[];
let turns: TurnStart[];

interface Sending {
  readonly messages?: UIMessage[];
  readonly abortSignal?: AbortSignal;
  readonly trigger?: "submit-message" | "regenerate-message";
}

function send(options: Sending = {}) {
  return transport.sendMessages({
    trigger: options.trigger ?? "submit-message",
    chatId: "c1",
    messageId: undefined,
    messages: options.messages ?? [question("draw")],
    abortSignal: options.abortSignal,
  });
}

function create(options: Partial<WebSocketChatTransportOptions> = {}) {
  return new WebSocketChatTransport({
    url: "ws://chat.test/ws",
    // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
    WebSocket: FakeSocket,
    onFrame: (report) => reports.push(report),
    onTurn: (turn) => turns.push(turn),
    drainTimeout: 50,
    retryDelay: 4,
    ...options,
  });
}

/** Asks on a connection that the server accepts; the server does not answer yet. */
async function ask(options: Sending = {}) {
  const sending = send(options);
  if (FakeSocket.last.readyState === 0) {
    FakeSocket.last.accept();
  }
  const stream = await sending;
  return { stream, socket: FakeSocket.last };
}

/** Asks, and the server begins the turn. */
async function begin(options: Sending = {}) {
  const asked = await ask(options);
  asked.socket.begin();
  return asked;
}

/** The socket that takes the place of this one, accepted by the server. */
async function nextSocket(previous: FakeSocket) {
  await vi.waitUntil(() => FakeSocket.last !== previous);
  FakeSocket.last.accept();
  return FakeSocket.last;
}

async function readAll(stream: ReadableStream<UIMessageChunk>) {
  const types: string[] = [];
  try {
    for await (const chunk of stream) {
      types.push(chunk.type);
    }
  } catch (error) {
    return { types, error };
  }
  return { types, error: null };
}

beforeEach(() => {
  FakeSocket.reset();
  reports = [];
  turns = [];
  transport = create();
});

// A link that is left open goes on trying, with the next test's sockets.
afterEach(() => transport.close());

describe("a turn", () => {
  it("sends only the newest message and streams until finish", async () => {
    const messages = [question("one"), question("two")];
    const { stream, socket } = await begin({ messages });
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
    expect(turns).toEqual([]);
  });

  it("follows the stream before it asks, and names what it has seen", async () => {
    transport = create({ position: 1000 });
    const { socket } = await ask();
    expect(socket.resumptions).toEqual([
      { type: "stream-resume", conversationId: "c1", seq: 1000 },
    ]);
    transport.close();
    transport = create();
    const other = await ask();
    expect(other.socket.resumptions).toMatchObject([{ seq: 0 }]);
  });

  it("uses the same socket for the next turn", async () => {
    const first = await begin();
    first.socket.chunk({ type: "finish" });
    const second = await begin();
    expect(second.socket).toBe(first.socket);
    second.socket.chunk({ type: "finish" });
    expect((await readAll(second.stream)).types).toEqual(["finish"]);
  });

  it("asks for another answer by the message that is to be answered", async () => {
    const { stream, socket } = await begin({ trigger: "regenerate-message" });
    expect(socket.sent).toEqual([
      { type: "message-regenerate", conversationId: "c1", messageId: "draw" },
    ]);
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).types).toEqual(["finish"]);
  });

  it("reports every frame's size in UTF-8 bytes", async () => {
    const { socket } = await begin({ messages: [question("café")] });
    socket.chunk({ type: "text-delta", id: "t", delta: "✅" });
    const sent = reports.findLast(({ direction }) => direction === "sent");
    expect(sent?.bytes).toBe(Buffer.byteLength(JSON.stringify(socket.sent[0])));
    expect(reports.at(-1)?.bytes).toBe(
      Buffer.byteLength('{"seq":1002,"chunk":{"type":"text-delta","id":"t","delta":"✅"}}'),
    );
  });

  it("refuses to ask without a message of the user", async () => {
    await expect(send({ messages: [] })).rejects.toMatchObject({ code: "unsupported" });
    const answer: UIMessage = { id: "a", role: "assistant", parts: [] };
    await expect(send({ messages: [answer] })).rejects.toMatchObject({ code: "unsupported" });
  });

  it("refuses a second turn while the first one is being read", async () => {
    await begin();
    await expect(send()).rejects.toMatchObject({ code: "busy" });
  });

  it("offers binary frames unless it is told not to", async () => {
    const { socket } = await ask();
    expect(socket.protocols).toEqual(["coatcheck.v1.binary", "coatcheck.v1"]);
    expect(socket.binaryType).toBe("arraybuffer");
    transport = create({ binary: false });
    expect((await ask()).socket.protocols).toEqual(["coatcheck.v1"]);
  });
});

describe("a connection that is lost", () => {
  it("comes back, and the reader of the turn notices nothing", async () => {
    const { stream, socket } = await begin();
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
    const { stream, socket } = await begin();
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
    const { stream, socket } = await begin();
    socket.drop();
    FakeSocket.missed = [{ type: "start" }, { type: "finish" }];
    await nextSocket(socket);
    expect(await readAll(stream)).toEqual({ types: ["start", "finish"], error: null });
    await begin();
  });

  it("asks again for what never arrived, once", async () => {
    const { stream, socket } = await ask();
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

  it("does not ask again for what did arrive", async () => {
    const { stream, socket } = await ask();
    socket.drop();
    FakeSocket.missed = [
      { type: "data-turn", data: { trigger: "submit-message", messageId: "draw" } },
      { type: "start" },
    ];
    const second = await nextSocket(socket);
    second.chunk({ type: "finish" });
    expect((await readAll(stream)).types).toEqual(["start", "finish"]);
    expect(second.sent).toEqual([]);
    expect(turns).toEqual([]);
  });
});

describe("a connection that is not as it should be", () => {
  it("is replaced when it goes silent", async () => {
    transport = create({ silence: 300 });
    const { stream, socket } = await begin();
    const second = await nextSocket(socket);
    second.chunk({ type: "finish" });
    expect((await readAll(stream)).error).toBeNull();
  });

  it("is replaced when a frame was lost on the way, and passes over one that comes twice", async () => {
    const { stream, socket } = await begin();
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
    transport = create({ patience: 30, retryDelay: 200 });
    const { stream, socket } = await begin();
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
    expect(turns).toEqual([{ trigger: "submit-message", messageId: "draw", message: null }]);
    const joined = await transport.reconnectToStream({ chatId: "c1" });
    expect(joined && (await readAll(joined)).types).toEqual(["start", "finish"]);
  });

  it("tells when what was missed is not to be had any more", async () => {
    const onExpired = vi.fn();
    transport = create({ onExpired });
    const { stream, socket } = await begin();
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
    expect(turns).toHaveLength(1);
  });
});

describe("several tabs", () => {
  it("hear of a turn that another one asked for, and join it", async () => {
    const following = transport.follow("c1");
    FakeSocket.last.accept();
    await following;
    const socket = FakeSocket.last;
    expect(await transport.reconnectToStream({ chatId: "c1" })).toBeNull();

    const message = question("from the other tab");
    socket.turn("submit-message", message.id, message);
    socket.chunk({ type: "start" });
    expect(turns).toEqual([{ trigger: "submit-message", messageId: message.id, message }]);
    const stream = await transport.reconnectToStream({ chatId: "c1" });
    socket.chunk({ type: "finish" });
    expect(stream && (await readAll(stream)).types).toEqual(["start", "finish"]);
  });

  it("join what was under way when they came", async () => {
    FakeSocket.running = true;
    FakeSocket.missed = [
      { type: "data-turn", data: { trigger: "regenerate-message", messageId: "m" } },
      { type: "start" },
    ];
    const joining = transport.reconnectToStream({ chatId: "c1" });
    FakeSocket.last.accept();
    const stream = await joining;
    FakeSocket.last.chunk({ type: "finish" });
    expect(stream && (await readAll(stream)).types).toEqual(["start", "finish"]);
    expect(turns).toEqual([{ trigger: "regenerate-message", messageId: "m", message: null }]);
  });

  it("join every turn that they missed, one after the other", async () => {
    FakeSocket.missed = ["m1", "m2"].flatMap((messageId) => [
      { type: "data-turn", data: { trigger: "submit-message", messageId } },
      { type: "finish" },
    ]);
    const first = transport.reconnectToStream({ chatId: "c1" });
    FakeSocket.last.accept();
    expect(await first).not.toBeNull();
    expect(await transport.reconnectToStream({ chatId: "c1" })).not.toBeNull();
    expect(await transport.reconnectToStream({ chatId: "c1" })).toBeNull();
    expect(turns.map(({ messageId }) => messageId)).toEqual(["m1", "m2"]);
  });

  it("may ask while another's turn runs, and are refused without losing it", async () => {
    const following = transport.follow("c1");
    FakeSocket.last.accept();
    await following;
    const socket = FakeSocket.last;
    socket.turn("submit-message", "theirs");
    const theirs = await transport.reconnectToStream({ chatId: "c1" });
    const mine = await send();
    socket.refuse("turn_in_progress");
    expect((await readAll(mine)).error).toMatchObject({ serverCode: "turn_in_progress" });
    socket.chunk({ type: "finish" });
    expect(theirs && (await readAll(theirs)).types).toEqual(["finish"]);
  });

  it("stop a turn that they joined", async () => {
    const stop = new AbortController();
    const following = transport.follow("c1");
    FakeSocket.last.accept();
    await following;
    FakeSocket.last.turn("submit-message", "theirs");
    const stream = await transport.reconnectToStream({
      chatId: "c1",
      abortSignal: stop.signal,
    });
    stop.abort();
    expect(stream && (await readAll(stream)).error).toBeNull();
    expect(FakeSocket.last.sent).toEqual([{ type: "stream-cancel", conversationId: "c1" }]);
  });

  it("have nothing to join where the server cannot be reached, and go on trying", async () => {
    const joining = transport.reconnectToStream({ chatId: "c1" });
    const socket = FakeSocket.last;
    socket.drop();
    expect(await joining).toBeNull();
    const second = await nextSocket(socket);
    second.turn("submit-message", "theirs");
    expect(turns).toHaveLength(1);
  });
});

describe("going wrong", () => {
  it("says that the server cannot be reached", async () => {
    const sending = send();
    FakeSocket.last.drop();
    await expect(sending).rejects.toMatchObject({ code: "unreachable" });

    // And is ready to try again at once.
    const { stream, socket } = await begin();
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).error).toBeNull();
  });

  it("turns an error chunk into an error with the server's code", async () => {
    const { stream, socket } = await begin();
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
    await begin();
  });

  it("passes on why a request was refused, and may ask again", async () => {
    const { stream, socket } = await ask();
    socket.refuse("rate_limited");
    expect((await readAll(stream)).error).toMatchObject({
      code: "refused",
      serverCode: "rate_limited",
    });
    await begin();
  });

  it("passes on why it may not connect", async () => {
    const sending = send();
    const socket = FakeSocket.last;
    socket.answers = false;
    socket.accept();
    socket.aside({ type: "error", errorText: "Too many.", code: "too_many_sockets" });
    await expect(sending).rejects.toMatchObject({ serverCode: "too_many_sockets" });
  });

  it("takes another socket from a server that does not speak the protocol", async () => {
    const { socket } = await begin();
    socket.frame("hello");
    expect(socket.readyState).toBe(3);
    await nextSocket(socket);
  });

  it("ignores what belongs to no turn, and what it does not know", async () => {
    const { stream, socket } = await begin();
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
    const { stream, socket } = await begin({ abortSignal: stop.signal });
    socket.chunk({ type: "start" });
    stop.abort();
    expect(await readAll(stream)).toEqual({ types: ["start"], error: null });
    expect(socket.sent.at(-1)).toEqual({ type: "stream-cancel", conversationId: "c1" });

    const next = send();
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
    const { socket } = await begin({ abortSignal: stop.signal });
    socket.drop();
    stop.abort();
    const second = await nextSocket(socket);
    expect(second.sent).toEqual([{ type: "stream-cancel", conversationId: "c1" }]);
  });

  it("leaves out a message that never arrived", async () => {
    const stop = new AbortController();
    const { socket } = await ask({ abortSignal: stop.signal });
    socket.drop();
    stop.abort();
    const second = await nextSocket(socket);
    expect(second.sent).toEqual([]);
    await begin();
  });

  it("takes a new socket when the server does not end a cancelled turn in time", async () => {
    const stop = new AbortController();
    const { socket } = await begin({ abortSignal: stop.signal });
    stop.abort();
    const next = send();
    await vi.waitFor(() => expect(FakeSocket.last).not.toBe(socket));
    FakeSocket.last.accept();
    await next;
    expect(socket.readyState).toBe(3);
  });

  it("sends nothing when stopped while still connecting", async () => {
    const stop = new AbortController();
    const sending = send({ abortSignal: stop.signal });
    stop.abort();
    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
    FakeSocket.last.accept();
    expect(FakeSocket.last.sent).toEqual([]);
  });

  it("cancels on the server when the reader goes away", async () => {
    const { stream, socket } = await begin();
    await stream.cancel();
    expect(socket.sent.at(-1)).toEqual({ type: "stream-cancel", conversationId: "c1" });
  });

  it("fails the running turn when it is closed, and comes back no more", async () => {
    const { stream, socket } = await begin();
    transport.close();
    expect(socket.readyState).toBe(3);
    expect((await readAll(stream)).error).toMatchObject({ code: "disconnected" });
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(FakeSocket.last).toBe(socket);
  });
});
