import type { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import type { TurnStart } from "coatcheck/ai";
import { isBusy } from "./busy.ts";

/**
 * Keeps a chat in step with turns that were asked for elsewhere, such as in another tab: one after
 * the other, each with the message that it answers.
 */
export class Follower {
  readonly #chat: () => Chat<UIMessage>;
  readonly #onStale: () => void;
  #previous: Promise<void> = Promise.resolve();

  /** @param onStale called when the chat cannot follow and has to be read anew. */
  constructor(chat: () => Chat<UIMessage>, onStale: () => void) {
    this.#chat = chat;
    this.#onStale = onStale;
  }

  follow(turn: TurnStart): void {
    this.#previous = this.#previous.then(() => this.#join(turn));
  }

  async #join(turn: TurnStart): Promise<void> {
    const chat = this.#chat();
    // The turn before has ended on the wire; the chat may still be reading the last of it.
    while (isBusy(chat)) {
      // biome-ignore lint/performance/noAwaitInLoops: there is no event for it
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const messages = upToQuestion(chat.messages, turn);
    if (messages === null) {
      this.#onStale();
      return;
    }
    chat.messages = messages;
    await chat.resumeStream();
  }
}

const POLL_MS = 10;

/**
 * The conversation up to the message that a turn answers. Null if that message is too long to have
 * come along and is not the one that is here, or if it takes the place of one that is not loaded.
 */
export function upToQuestion(
  messages: readonly UIMessage[],
  { trigger, messageId, message, edited }: TurnStart,
): UIMessage[] | null {
  const index = messages.findIndex(({ id }) => id === messageId);
  if (edited && index === -1) {
    return null;
  }
  const known = trigger === "regenerate-message" ? messages[index] : undefined;
  const question = message ?? known;
  return question === undefined
    ? null
    : [...messages.slice(0, index === -1 ? messages.length : index), question];
}
