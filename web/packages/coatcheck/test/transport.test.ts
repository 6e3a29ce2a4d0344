import type { UIMessage, UIMessageChunk } from "ai";
import { ChatTransportError, type FrameReport, WebSocketChatTransport } from "coatcheck";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSocket } from "./fake-socket.ts";

const question = (text: string): UIMessage => ({
  id: text,
  role: "user",
  parts: [{ type: "text", text }],
});

let transport: WebSocketChatTransport;
let reports: FrameReport[];

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

/** Sends on a connection that the server accepts. */
async function begin(options: Sending = {}) {
  const sending = send(options);
  if (FakeSocket.last.readyState === 0) {
    FakeSocket.last.accept();
  }
  const stream = await sending;
  return { stream, socket: FakeSocket.last };
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
  FakeSocket.all.length = 0;
  reports = [];
  transport = new WebSocketChatTransport({
    url: "ws://chat.test/ws",
    // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
    WebSocket: FakeSocket,
    onFrame: (report) => reports.push(report),
    drainTimeout: 50,
  });
});

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
  });

  it("uses the same socket for the next turn, and a new one after it was lost", async () => {
    const first = await begin();
    first.socket.chunk({ type: "finish" });
    const second = await begin();
    expect(second.socket).toBe(first.socket);
    second.socket.chunk({ type: "finish" });
    second.socket.drop();

    const third = await begin();
    expect(third.socket).not.toBe(first.socket);
    // A new socket counts from wherever it likes.
    third.socket.skip();
    third.socket.chunk({ type: "finish" });
    expect((await readAll(third.stream)).error).toBeNull();
  });

  it("reports every frame's size in UTF-8 bytes", async () => {
    const { socket } = await begin({ messages: [question("café")] });
    socket.chunk({ type: "text-delta", id: "t", delta: "✅" });
    const [sent, received] = reports;
    expect(sent?.direction).toBe("sent");
    expect(sent?.bytes).toBe(Buffer.byteLength(JSON.stringify(socket.sent[0])));
    expect(received).toMatchObject({ direction: "received", frame: { seq: 0 } });
    expect(received?.bytes).toBe(
      Buffer.byteLength('{"seq":0,"chunk":{"type":"text-delta","id":"t","delta":"✅"}}'),
    );
  });

  it("refuses what the wire format does not have", async () => {
    await expect(send({ trigger: "regenerate-message" })).rejects.toMatchObject({
      code: "unsupported",
    });
    await expect(send({ messages: [] })).rejects.toMatchObject({ code: "unsupported" });
    expect(await transport.reconnectToStream()).toBeNull();
  });

  it("refuses a second turn while the first one is being read", async () => {
    await begin();
    await expect(send()).rejects.toMatchObject({ code: "busy" });
  });
});

describe("going wrong", () => {
  it("says that the server cannot be reached", async () => {
    const sending = send();
    FakeSocket.last.drop();
    await expect(sending).rejects.toMatchObject({ code: "unreachable" });

    // And is ready to try again.
    const { stream, socket } = await begin();
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).error).toBeNull();
  });

  it("delivers what came before the connection was lost, then the error", async () => {
    const { stream, socket } = await begin();
    socket.chunk({ type: "start" });
    socket.chunk({ type: "text-start", id: "t" });
    socket.drop();
    const { types, error } = await readAll(stream);
    expect(types).toEqual(["start", "text-start"]);
    expect(error).toBeInstanceOf(ChatTransportError);
    expect(error).toMatchObject({ code: "disconnected" });
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

  it("notices a lost frame", async () => {
    const { stream, socket } = await begin();
    socket.chunk({ type: "start" });
    socket.skip();
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).error).toMatchObject({ code: "protocol" });
    expect(socket.readyState).toBe(3);
  });

  it("passes over a frame that comes twice", async () => {
    const { stream, socket } = await begin();
    socket.frame('{"seq":0,"chunk":{"type":"start"}}');
    socket.frame('{"seq":0,"chunk":{"type":"start"}}');
    socket.frame('{"seq":1,"chunk":{"type":"finish"}}');
    expect(await readAll(stream)).toEqual({ types: ["start", "finish"], error: null });
  });

  it("gives up on a server that does not speak the protocol", async () => {
    const { stream, socket } = await begin();
    socket.frame("hello");
    expect((await readAll(stream)).error).toMatchObject({ code: "protocol" });
  });

  it("ignores chunks that belong to no turn", async () => {
    const { stream, socket } = await begin();
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
    socket.chunk({ type: "finish" });
    expect((await readAll(stream2)).types).toEqual(["finish"]);
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

  it("fails the running turn when it is closed", async () => {
    const { stream, socket } = await begin();
    transport.close();
    expect(socket.readyState).toBe(3);
    expect((await readAll(stream)).error).toMatchObject({ code: "disconnected" });
  });
});
