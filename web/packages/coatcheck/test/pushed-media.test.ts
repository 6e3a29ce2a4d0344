import { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { parseMediaState } from "coatcheck";
import { WebSocketChatTransport } from "coatcheck/ai";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeSocket } from "./fake-socket.ts";
import { lighthouse } from "./samples.ts";

const KIND = { preview: 1, thumbnail: 2 } as const;

/** A frame as the server writes it. */
function pushed(kind: keyof typeof KIND, id: string, payload: string): ArrayBuffer {
  const fields = { id, mimeType: "image/webp", width: 8, height: 6, seq: 1 };
  const header = Buffer.from(JSON.stringify(fields));
  const prefix = Buffer.from([1, KIND[kind], 0, 0, 0, 0, 0, 0]);
  prefix.writeUInt32BE(header.length, 4);
  return new Uint8Array(Buffer.concat([prefix, header, Buffer.from(payload)])).buffer;
}

let transport: WebSocketChatTransport;
let chat: Chat<UIMessage>;
let socket: FakeSocket;

const media = () =>
  chat.lastMessage?.parts.flatMap((part) => ("data" in part ? [parseMediaState(part.data)] : []));

async function shownBytes(): Promise<string | null> {
  const [state] = media() ?? [];
  if (state?.state === "preview") {
    return (await state.blob?.text()) ?? null;
  }
  return (state?.state === "ready" && (await state.thumbnail?.text())) || null;
}

function preview(progress: number): void {
  socket.aside({ type: "data-media", id: "p", data: { state: "preview", progress } });
}

beforeEach(async () => {
  FakeSocket.reset();
  // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
  transport = new WebSocketChatTransport({ url: "ws://chat.test/", WebSocket: FakeSocket });
  chat = new Chat<UIMessage>({ id: "c1", transport });
  void chat.sendMessage({ text: "draw" });
  await vi.waitUntil(() => FakeSocket.all.length === 1);
  socket = FakeSocket.last;
  socket.accept();
  await vi.waitUntil(() => socket.sent.length === 1);
  socket.begin();
  socket.chunk({ type: "start", messageId: "m" });
  socket.chunk({ type: "data-media", id: "p", data: { state: "pending", width: 4, height: 3 } });
});

afterEach(() => transport.close());

it("shows each preview that is pushed, and the last one on while none comes", async () => {
  socket.frame(pushed("preview", "p", "first"));
  preview(0.25);
  await vi.waitFor(async () => expect(await shownBytes()).toBe("first"));
  socket.frame(pushed("preview", "p", "second"));
  preview(0.5);
  await vi.waitFor(async () => expect(await shownBytes()).toBe("second"));
  preview(0.75);
  await vi.waitFor(() => expect(media()).toMatchObject([{ progress: 0.75 }]));
  expect(await shownBytes()).toBe("second");
  socket.chunk({ type: "data-media", id: "p", data: { state: "failed", error: {} } });
  await vi.waitFor(() => expect(media()).toMatchObject([{ state: "failed" }]));
});

it("has the thumbnail ready when the picture is", async () => {
  socket.frame(pushed("thumbnail", "p", "thumbnail"));
  socket.chunk({ type: "data-media", id: "p", data: { state: "ready", reference: lighthouse } });
  await vi.waitFor(async () => expect(await shownBytes()).toBe("thumbnail"));
  expect(media()).toMatchObject([{ state: "ready", reference: lighthouse }]);
});

it("gives the bytes to the state that they were pushed for, once", async () => {
  const ready = { type: "data-media", id: "p", data: { state: "ready", reference: lighthouse } };
  socket.frame(pushed("thumbnail", "p", "thumbnail"));
  socket.chunk(ready);
  await vi.waitFor(async () => expect(await shownBytes()).toBe("thumbnail"));
  socket.chunk(ready);
  await vi.waitFor(async () => expect(await shownBytes()).toBeNull());
});

it("keeps the bytes of one part away from another", async () => {
  socket.frame(pushed("thumbnail", "q", "of another"));
  socket.chunk({ type: "data-media", id: "p", data: { state: "ready", reference: lighthouse } });
  await vi.waitFor(() => expect(media()).toMatchObject([{ state: "ready" }]));
  expect(await shownBytes()).toBeNull();
});

it("believes no blob that came over the wire", () => {
  const blob = { size: 7, type: "image/png" };
  expect(parseMediaState({ state: "preview", blob })).toMatchObject({ blob: null });
  expect(parseMediaState({ state: "ready", reference: lighthouse, thumbnail: blob })).toMatchObject(
    { thumbnail: null },
  );
});
