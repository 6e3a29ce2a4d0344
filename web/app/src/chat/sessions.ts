import { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { WebSocketChatTransport } from "coatcheck";
import { fetchMessages, type MessagePage } from "../conversations/api.ts";
import { EarlierMessages } from "./earlier-messages.ts";
import { newId } from "./identifiers.ts";
import { trafficLedger } from "./traffic.ts";

/** An open conversation, and the way to what was said before its first loaded message. */
export interface Session {
  readonly chat: Chat<UIMessage>;
  readonly earlier: EarlierMessages;
}

/**
 * The conversations that this page holds open, each with a socket of its own.
 *
 * A conversation that is left while it is being answered stays open until the answer is complete, so
 * that the reader can look at another one meanwhile. A conversation that rests is closed and read
 * from the server again when the reader comes back.
 */
export class ChatSessions {
  readonly #open = new Map<string, Session>();
  readonly #turnEnded: () => void;
  #shown: string | null = null;

  constructor(onTurnEnded: () => void) {
    this.#turnEnded = onTurnEnded;
  }

  get(id: string): Session | null {
    return this.#open.get(id) ?? null;
  }

  /** Opens a conversation, or replaces it, with the last messages it has so far. */
  start(id: string, { messages, before }: MessagePage): Session {
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
    const earlier = new EarlierMessages(chat, before, (place, limit) =>
      fetchMessages(id, limit === undefined ? { before: place } : { before: place, limit }),
    );
    const session = { chat, earlier };
    this.#open.set(id, session);
    void previous?.chat.dispose();
    return session;
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
    const session = this.#open.get(id);
    if (session === undefined || id === this.#shown || isBusy(session.chat)) {
      return;
    }
    this.#open.delete(id);
    void session.chat.dispose();
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
