import { randomUUID } from "node:crypto";
import process from "node:process";
import { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { WebSocketChatTransport } from "coatcheck";
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

/** A conversation of two turns, and what became of it on both sides. */
async function converse(base: string): Promise<string> {
  const id = randomUUID();
  const { chat, transport } = open(base, id);
  await chat.sendMessage({ text: "Draw a lighthouse at dusk, 96x64, seed 7" });
  await chat.sendMessage({ text: "thanks" });
  expect(chat.error).toBeUndefined();
  expect(chat.status).toBe("ready");
  const { messages } = await history(id);
  // What the reader saw is what was kept, but for the server's own words on a finished part.
  expect(plain(chat.messages)).toEqual(plain(messages));
  transport.close();
  return anonymous(messages);
}

it("ends in the same conversation wherever its socket is lost", async () => {
  const undisturbed = await converse(server);
  expect(undisturbed).toContain("lighthouse");
  for (let number = 0; number < GENERATIONS; number += 1) {
    // biome-ignore lint/performance/noAwaitInLoops: one after the other, as a reader would
    expect(await converse(lossy)).toBe(undisturbed);
  }
});
