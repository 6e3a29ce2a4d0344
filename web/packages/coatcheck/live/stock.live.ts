import { randomUUID } from "node:crypto";
import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport, type UIMessage } from "ai";
import { parseMediaState } from "coatcheck";
import { expect, it, vi } from "vitest";
import { history, plain, server } from "./server.ts";

// Nothing of ours but the reader of parts: what `useChat` has when it is told the address.
function open(id: string, messages: UIMessage[] = []) {
  const seen: string[] = [];
  const chat = new Chat<UIMessage>({
    id,
    messages,
    generateId: randomUUID,
    transport: new DefaultChatTransport({ api: `${server}/api/chat` }),
    onData: ({ type, data }) =>
      seen.push(type === "data-media" ? parseMediaState(data).state : type),
  });
  return { chat, seen };
}

const drawing = "Draw a lighthouse at dusk, 96x64, seed 7";
const types = (chat: Chat<UIMessage>) => chat.lastMessage?.parts.map(({ type }) => type);

it("draws, goes on, and makes an answer anew", async () => {
  const id = randomUUID();
  const { chat, seen } = open(id);
  await chat.sendMessage({ text: drawing });
  expect(chat.error).toBeUndefined();
  expect(types(chat)).toContain("data-media");
  expect(seen.slice(0, 2)).toEqual(["data-turn", "pending"]);
  expect(seen.at(-1)).toBe("ready");

  await chat.sendMessage({ text: "thanks" });
  await chat.regenerate();
  expect(chat.error).toBeUndefined();
  const { messages } = await history(id);
  expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
  expect(plain(chat.messages)).toEqual(plain(messages));

  const first = chat.messages[0]?.id ?? "";
  await chat.sendMessage({ text: "hello instead", messageId: first });
  expect((await history(id)).messages).toHaveLength(2);
  expect(plain(chat.messages)).toEqual(plain((await history(id)).messages));
});

it("shows previews under addresses that can be fetched", async () => {
  const { chat } = open(randomUUID());
  const fetched: number[] = [];
  const drawn = chat.sendMessage({ text: "Draw the sea at dawn, 2048x1152, seed 3" });
  await vi.waitUntil(() => {
    const part = chat.lastMessage?.parts.find(({ type }) => type === "data-media");
    const media = part !== undefined && "data" in part ? parseMediaState(part.data) : null;
    if (media?.state === "preview" && media.thumbnailUrl !== null) {
      fetch(server + media.thumbnailUrl).then(({ status }) => fetched.push(status));
      return true;
    }
    return false;
  }, 60_000);
  await drawn;
  await vi.waitFor(() => expect(fetched).toEqual([200]));
});

it("joins a turn that is under way, and has nothing to join otherwise", async () => {
  const id = randomUUID();
  const { chat } = open(id);
  const asked = chat.sendMessage({ text: "Draw a lighthouse at dusk, 1024x1024" });
  await vi.waitFor(() => expect(types(chat)).toContain("data-media"));
  const { messages } = await history(id);
  const other = open(id, messages).chat;
  await other.resumeStream();
  await asked;
  expect(plain(other.messages)).toEqual(plain(chat.messages));
  await other.resumeStream();
  expect(other.status).toBe("ready");
  expect(other.messages).toHaveLength(2);
});

it("tells what went wrong, by a stable code too", async () => {
  const { chat, seen } = open("not-a-uuid");
  await chat.sendMessage({ text: "hello" });
  expect(chat.error?.message).toContain("invalid_input");

  const id = randomUUID();
  const busy = open(id).chat;
  const asked = busy.sendMessage({ text: "Draw a lighthouse at dusk, 1024x1024" });
  await vi.waitFor(() => expect(types(busy)).toContain("data-media"));
  const second = open(id).chat;
  await second.sendMessage({ text: "and me" });
  expect(second.error?.message).toContain("turn_in_progress");
  await fetch(`${server}/api/chat/${id}/stream`, { method: "DELETE" });
  await asked;
  const part = busy.lastMessage?.parts.find(({ type }) => type === "data-media");
  expect(part).toMatchObject({ data: { state: "failed", error: { code: "cancelled" } } });
  expect(seen).toEqual([]);
});
