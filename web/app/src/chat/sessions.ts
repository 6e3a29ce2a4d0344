import { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { WebSocketChatTransport } from "coatcheck";
import { newId } from "./identifiers.ts";
import { trafficLedger } from "./traffic.ts";

/**
 * The conversations that this page holds open, each with a socket of its own.
 *
 * A conversation that is left while it is being answered stays open until the answer is complete, so
 * that the reader can look at another one meanwhile. A conversation that rests is closed and read
 * from the server again when the reader comes back.
 */
export class ChatSessions {
  readonly #open = new Map<string, Chat<UIMessage>>();
  readonly #turnEnded: () => void;
  #shown: string | null = null;

  constructor(onTurnEnded: () => void) {
    this.#turnEnded = onTurnEnded;
  }

  get(id: string): Chat<UIMessage> | null {
    return this.#open.get(id) ?? null;
  }

  /** Opens a conversation, or replaces it, with the messages it has so far. */
  start(id: string, messages: UIMessage[]): Chat<UIMessage> {
    const previous = this.#open.get(id);
    const chat = new Chat<UIMessage>({
      id,
      messages,
      generateId: newId,
      transport: new WebSocketChatTransport({
        url: socketAddress,
        onFrame: trafficLedger.openAccount(),
      }),
      onFinish: () => {
        this.#turnEnded();
        // The status changes after this callback; only then is the chat at rest.
        queueMicrotask(() => this.#closeIfLeft(id));
      },
    });
    this.#open.set(id, chat);
    void previous?.dispose();
    return chat;
  }

  /** Says which conversation the reader looks at now. */
  show(id: string): void {
    const left = this.#shown;
    this.#shown = id;
    if (left !== null) {
      this.#closeIfLeft(left);
    }
  }

  #closeIfLeft(id: string): void {
    const chat = this.#open.get(id);
    if (chat === undefined || id === this.#shown || isBusy(chat)) {
      return;
    }
    this.#open.delete(id);
    void chat.dispose();
  }
}

/** Whether an answer is on its way. */
export function isBusy({ status }: Pick<Chat<UIMessage>, "status">): boolean {
  return status === "submitted" || status === "streaming";
}

function socketAddress(): string {
  const address = new URL("/ws/chat", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}
