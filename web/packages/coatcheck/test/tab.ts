import type { UIMessage, UIMessageChunk } from "ai";
import {
  type FrameReport,
  type TurnStart,
  WebSocketChatTransport,
  type WebSocketChatTransportOptions,
} from "coatcheck/ai";
import { vi } from "vitest";
import { FakeSocket } from "./fake-socket.ts";

export interface Asking {
  readonly messages?: UIMessage[];
  readonly abortSignal?: AbortSignal;
  readonly trigger?: "submit-message" | "regenerate-message";
}

/** A page's side of the conversation `c1`, with everything that its transport told. */
export class Tab {
  readonly transport: WebSocketChatTransport;
  readonly reports: FrameReport[] = [];
  readonly turns: TurnStart[] = [];

  constructor(options: Partial<WebSocketChatTransportOptions> = {}) {
    this.transport = new WebSocketChatTransport({
      url: "ws://chat.test/ws",
      // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
      WebSocket: FakeSocket,
      onFrame: (report) => this.reports.push(report),
      onTurn: (turn) => this.turns.push(turn),
      drainTimeout: 50,
      retryDelay: 4,
      ...options,
    });
  }

  send(options: Asking = {}): Promise<ReadableStream<UIMessageChunk>> {
    return this.transport.sendMessages({
      trigger: options.trigger ?? "submit-message",
      chatId: "c1",
      messageId: undefined,
      messages: options.messages ?? [question("draw")],
      abortSignal: options.abortSignal,
    });
  }

  /** Asks on a connection that the server accepts; the server does not answer yet. */
  async ask(options: Asking = {}) {
    const sending = this.send(options);
    if (FakeSocket.last.readyState === 0) {
      FakeSocket.last.accept();
    }
    const stream = await sending;
    return { stream, socket: FakeSocket.last };
  }

  /** Asks, and the server begins the turn. */
  async begin(options: Asking = {}) {
    const asked = await this.ask(options);
    asked.socket.begin();
    return asked;
  }

  /** Follows the conversation without asking for anything. */
  async follow(): Promise<FakeSocket> {
    const following = this.transport.follow("c1");
    FakeSocket.last.accept();
    await following;
    return FakeSocket.last;
  }
}

export function question(text: string): UIMessage {
  return { id: text, role: "user", parts: [{ type: "text", text }] };
}

/** The socket that takes the place of this one, accepted by the server. */
export async function nextSocket(previous: FakeSocket): Promise<FakeSocket> {
  await vi.waitUntil(() => FakeSocket.last !== previous);
  FakeSocket.last.accept();
  return FakeSocket.last;
}

/** The server cannot be reached, however often it is tried; returns the last socket. */
export async function unreachable(): Promise<FakeSocket> {
  for (let tries = 1; tries < 3; tries += 1) {
    const socket = FakeSocket.last;
    socket.drop();
    // biome-ignore lint/performance/noAwaitInLoops: one socket after the other
    await vi.waitUntil(() => FakeSocket.last !== socket);
  }
  FakeSocket.last.drop();
  return FakeSocket.last;
}

/** The types of a stream's chunks, and how it failed, if it did. */
export async function readAll(stream: ReadableStream<UIMessageChunk>) {
  const types: string[] = [];
  try {
    for await (const chunk of stream) {
      types.push(chunk.type);
    }
  } catch (error) {
    return { types, error };
  }
  return { types, error: null };
}
