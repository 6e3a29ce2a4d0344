import { Chat } from "@ai-sdk/react";
import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import type { TurnStart } from "coatcheck/ai";
import { expect, it, vi } from "vitest";
import { Follower, upToQuestion } from "../src/chat/follower.ts";

const message = (id: string, role: "user" | "assistant", text = id): UIMessage => ({
  id,
  role,
  parts: [{ type: "text", text }],
});

const told = [
  message("u1", "user"),
  message("a1", "assistant"),
  message("u2", "user"),
  message("a2", "assistant"),
];

const submit = (messageId: string, question: UIMessage | null): TurnStart => ({
  trigger: "submit-message",
  messageId,
  message: question,
  edited: false,
});

it("adds a new message at the end", () => {
  const question = message("u3", "user");
  expect(upToQuestion(told, submit("u3", question))).toEqual([...told, question]);
});

it("puts an edited message in the place of the old one, and drops what followed", () => {
  const edited = message("u1", "user", "something else");
  expect(upToQuestion(told, submit("u1", edited))).toEqual([edited]);
});

it("drops the answer that is made anew", () => {
  const turn: TurnStart = {
    trigger: "regenerate-message",
    messageId: "u2",
    message: null,
    edited: false,
  };
  expect(upToQuestion(told, turn)).toEqual(told.slice(0, 3));
});

it("cannot go on from what it does not have", () => {
  expect(upToQuestion(told, submit("u3", null))).toBeNull();
  // It has one of this id, but not what it says now.
  expect(upToQuestion(told, submit("u2", null))).toBeNull();
  // It has not loaded the one whose place this takes: all that it has is gone.
  const edit = { ...submit("u0", message("u0", "user")), edited: true };
  expect(upToQuestion(told, edit)).toBeNull();
  const turn: TurnStart = {
    trigger: "regenerate-message",
    messageId: "u9",
    message: null,
    edited: false,
  };
  expect(upToQuestion(told, turn)).toBeNull();
});

/** A transport whose turns are joined in the order in which they are put here. */
function joinable(answers: string[]): ChatTransport<UIMessage> {
  return {
    sendMessages: () => Promise.reject(new Error("nothing is sent")),
    reconnectToStream: () => {
      const id = answers.shift() ?? "";
      const chunks: UIMessageChunk[] = [
        { type: "start", messageId: id },
        { type: "text-start", id: "t" },
        { type: "text-delta", id: "t", delta: id },
        { type: "text-end", id: "t" },
        { type: "finish" },
      ];
      return Promise.resolve(
        new ReadableStream({
          start: (controller) => {
            for (const chunk of chunks) {
              controller.enqueue(chunk);
            }
            controller.close();
          },
        }),
      );
    },
  };
}

it("joins one turn after the other, each after its question", async () => {
  const chat = new Chat<UIMessage>({ transport: joinable(["a1", "a2", "a2b"]) });
  const follower = new Follower(() => chat, vi.fn());
  follower.follow(submit("u1", message("u1", "user")));
  follower.follow(submit("u2", message("u2", "user")));
  follower.follow({ trigger: "regenerate-message", messageId: "u2", message: null, edited: false });
  await vi.waitFor(() =>
    expect(chat.messages.map(({ id }) => id)).toEqual(["u1", "a1", "u2", "a2b"]),
  );
  await vi.waitFor(() => expect(chat.status).toBe("ready"));
});

it("asks for the conversation to be read anew when it cannot follow", async () => {
  const onStale = vi.fn();
  const chat = new Chat<UIMessage>({ transport: joinable([]) });
  new Follower(() => chat, onStale).follow(submit("u1", null));
  await vi.waitFor(() => expect(onStale).toHaveBeenCalledTimes(1));
  expect(chat.messages).toEqual([]);
});
