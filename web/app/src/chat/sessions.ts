import { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { WebSocketChatTransport } from "coatcheck/ai";
import { fetchMessages, type MessagePage } from "../conversations/api.ts";
import { isBusy } from "./busy.ts";
import { EarlierMessages } from "./earlier-messages.ts";
import { Follower } from "./follower.ts";
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
  readonly #open = new Map<string, Session>();
  readonly #staleListeners = new Map<string, () => void>();
  readonly #turnEnded: () => void;
  #shown: string | null = null;

  constructor(onTurnEnded: () => void) {
    this.#turnEnded = onTurnEnded;
  }

  get(id: string): Session | null {
    return this.#open.get(id) ?? null;
  }

  /** Opens a new conversation. */
  startNew(id: string): Session {
    return this.#start(id, { messages: [], before: null, seq: 0 });
  }

  /** Opens a conversation, or replaces it, with its last messages, and follows it from there. */
  start(id: string, page: MessagePage): Session {
    const session = this.#start(id, page);
    // Where there is no server just now, the transport goes on trying.
    session.transport.follow(id).catch(() => undefined);
    return session;
  }

  /** Calls back when a conversation that is open has to be read anew; returns what stops that. */
  onStale(id: string, listener: () => void): () => void {
    this.#staleListeners.set(id, listener);
    return () => this.#staleListeners.delete(id);
  }

  #start(id: string, { messages, before, seq }: MessagePage): Session {
    const tellStale = () => this.#staleListeners.get(id)?.();
    const follower = new Follower(() => chat, tellStale);
    const transport = new WebSocketChatTransport({
      url: socketAddress,
      position: seq,
      onTurn: (turn) => follower.follow(turn),
      onExpired: tellStale,
      onFrame: trafficLedger.openAccount(),
    });
    const chat = new Chat<UIMessage>({
      id,
      messages: [...messages],
      generateId: newId,
      transport,
      onFinish: () => {
        this.#turnEnded();
        // The status changes after this callback; only then is the chat at rest.
        queueMicrotask(() => this.#closeIfLeft(id));
      },
    });
    const earlier = new EarlierMessages(chat, before, (place, limit) =>
      fetchMessages(id, limit === undefined ? { before: place } : { before: place, limit }),
    );
    this.#close(id);
    const session = { chat, earlier, transport };
    this.#open.set(id, session);
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
    if (session !== undefined && id !== this.#shown && !isBusy(session.chat)) {
      this.#close(id);
    }
  }

  #close(id: string): void {
    const session = this.#open.get(id);
    this.#open.delete(id);
    // The transport first: a chat that is disposed of would ask the server to stop its answer.
    session?.transport.close();
    void session?.chat.dispose();
  }
}

/** An open conversation, and the way to what was said before its first loaded message. */
export interface Session {
  readonly chat: Chat<UIMessage>;
  readonly earlier: EarlierMessages;
  readonly transport: WebSocketChatTransport;
}

function socketAddress(): string {
  const address = new URL("/ws/chat", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}
