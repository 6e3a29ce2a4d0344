import { randomUUID } from "node:crypto";
import process from "node:process";
import { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { WebSocketChatTransport } from "coatcheck/ai";
import { expect, it } from "vitest";
import { anonymous, history, lossy, plain, server } from "./server.ts";

const GENERATIONS = Number(process.env["COATCHECK_GENERATIONS"]);

function open(base: string, id: string) {
  const transport = new WebSocketChatTransport({
    url: `${base.replace("http", "ws")}/ws/chat`,
    retryDelay: 10,
  });
  const chat = new Chat<UIMessage>({ id, transport, generateId: randomUUID });
  return { chat, transport };
}

/** A conversation of two turns: what the reader has in the end, and what the server has. */
async function converse(base: string) {
  const id = randomUUID();
  const { chat, transport } = open(base, id);
  await chat.sendMessage({ text: "Draw a lighthouse at dusk, 96x64, seed 7" });
  await chat.sendMessage({ text: "thanks" });
  const { messages } = await history(id);
  transport.close();
  return { status: chat.status, error: chat.error, seen: chat.messages, kept: messages };
}

it("ends in the same conversation wherever its socket is lost", async () => {
  const undisturbed = await converse(server);
  expect(anonymous(undisturbed.kept)).toContain("lighthouse");
  for (let number = 0; number < GENERATIONS; number += 1) {
    // biome-ignore lint/performance/noAwaitInLoops: one after the other, as a reader would
    const { status, error, seen, kept } = await converse(lossy);
    expect({ status, error }).toEqual({ status: "ready", error: undefined });
    expect(plain(seen)).toEqual(plain(kept));
    expect(anonymous(kept)).toBe(anonymous(undisturbed.kept));
  }
});
