import { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { WebSocketChatTransport } from "coatcheck";
import { isBusy } from "./busy.ts";
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

  get(id: string): Chat<UIMessage> | null {
    return this.#open.get(id)?.chat ?? null;
  }

  /** Opens a new conversation. */
  startNew(id: string): Chat<UIMessage> {
    return this.#start(id, { messages: [], seq: 0 }).chat;
  }

  /** Opens a conversation, or replaces it, with what it holds so far, and follows it from there. */
  start(id: string, history: History): Chat<UIMessage> {
    const { chat, transport } = this.#start(id, history);
    // Where there is no server just now, the transport goes on trying.
    transport.follow(id).catch(() => undefined);
    return chat;
  }

  /** Calls back when a conversation that is open has to be read anew; returns what stops that. */
  onStale(id: string, listener: () => void): () => void {
    this.#staleListeners.set(id, listener);
    return () => this.#staleListeners.delete(id);
  }

  #start(id: string, { messages, seq }: History): Session {
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
    this.#close(id);
    const session = { chat, transport };
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

/** What was read of a conversation: its messages, and where its stream goes on from there. */
export interface History {
  readonly messages: readonly UIMessage[];
  readonly seq: number;
}

interface Session {
  readonly chat: Chat<UIMessage>;
  readonly transport: WebSocketChatTransport;
}

function socketAddress(): string {
  const address = new URL("/ws/chat", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}
