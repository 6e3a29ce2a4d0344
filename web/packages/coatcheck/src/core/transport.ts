import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import { Connection, type FrameReport, type SocketConstructor } from "./connection.ts";
import type { ChunkFrame } from "./frames.ts";
import { ChatTransportError } from "./transport-error.ts";
import { Turn } from "./turn.ts";

export interface WebSocketChatTransportOptions {
  /** The endpoint, `ws:` or `wss:`; a function is asked at each connection. */
  readonly url: string | (() => string);
  /** Defaults to the global `WebSocket`. */
  // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
  readonly WebSocket?: SocketConstructor;
  /** Called for each text frame in either direction, with its size in bytes. */
  readonly onFrame?: (report: FrameReport) => void;
  /** How long a cancelled turn may take to end, in milliseconds, before the socket is given up. */
  readonly drainTimeout?: number;
}

/**
 * Carries an AI SDK chat over one WebSocket.
 *
 * Only the newest user message travels to the server, which keeps the history. Chunks come back as
 * text frames; a turn ends with a `finish` or `abort` chunk. An `error` chunk becomes the stream's
 * error, a {@link ChatTransportError} with the server's code, after everything that came before it.
 */
export class WebSocketChatTransport<Message extends UIMessage = UIMessage>
  implements ChatTransport<Message>
{
  readonly #connection: Connection;
  readonly #drainTimeout: number;
  #turn: Turn | null = null;

  constructor(options: WebSocketChatTransportOptions) {
    const { url, onFrame, drainTimeout = 5000 } = options;
    this.#drainTimeout = drainTimeout;
    this.#connection = new Connection(
      typeof url === "string" ? () => url : url,
      options.WebSocket ?? globalThis.WebSocket,
      {
        onChunkFrame: (frame) => this.#receive(frame),
        onClosed: (reason) => this.#lose(reason),
        onReport: onFrame,
      },
    );
  }

  async sendMessages({
    trigger,
    chatId,
    messages,
    abortSignal,
  }: Parameters<ChatTransport<Message>["sendMessages"]>[0]): Promise<
    ReadableStream<UIMessageChunk>
  > {
    const message = newestUserMessage(trigger, messages);
    while (this.#turn !== null) {
      // biome-ignore lint/performance/noAwaitInLoops: whoever else waited may have begun a turn first
      await this.#waitFor(this.#turn, abortSignal);
    }
    const turn = new Turn(chatId, () => this.#cancel(turn));
    this.#turn = turn;
    try {
      await untilAborted(this.#connection.open(), abortSignal);
      abortSignal?.throwIfAborted();
    } catch (error) {
      this.#settle(turn);
      throw error;
    }
    abortSignal?.addEventListener("abort", () => this.#cancel(turn), { once: true });
    this.#connection.send({ type: "message-send", conversationId: chatId, message });
    return turn.stream;
  }

  /** A turn cannot be resumed after a reload: the conversation is read from the server instead. */
  reconnectToStream(): Promise<null> {
    return Promise.resolve(null);
  }

  /** Closes the socket. A later message opens a new one. */
  close(): void {
    this.#connection.close();
  }

  #receive({ chunk }: ChunkFrame): void {
    const turn = this.#turn;
    if (turn === null) {
      return;
    }
    if (chunk.type === "error") {
      turn.fail(new ChatTransportError("refused", chunk.errorText, serverCode(chunk)));
      return;
    }
    turn.push(chunk);
    if (chunk.type === "finish" || chunk.type === "abort") {
      turn.finish();
      this.#settle(turn);
    }
  }

  #lose(reason: ChatTransportError): void {
    const turn = this.#turn;
    if (turn !== null) {
      turn.fail(reason);
      this.#settle(turn);
    }
  }

  /** Tells the server to stop; the connection stays taken until it says that it has. */
  #cancel(turn: Turn): void {
    turn.finish();
    if (this.#turn === turn) {
      this.#connection.send({ type: "stream-cancel", conversationId: turn.conversationId });
    }
  }

  #settle(turn: Turn): void {
    turn.settle();
    if (this.#turn === turn) {
      this.#turn = null;
    }
  }

  async #waitFor(previous: Turn, abortSignal: AbortSignal | undefined): Promise<void> {
    if (previous.isRunning) {
      throw new ChatTransportError("busy", "Another answer is still being written.");
    }
    const giveUp = setTimeout(() => this.#connection.close(), this.#drainTimeout);
    try {
      await untilAborted(previous.settled, abortSignal);
    } finally {
      clearTimeout(giveUp);
    }
  }
}

function newestUserMessage<Message extends UIMessage>(
  trigger: "submit-message" | "regenerate-message",
  messages: readonly Message[],
): Message {
  const message = messages.at(-1);
  if (trigger !== "submit-message" || message?.role !== "user") {
    throw new ChatTransportError("unsupported", "Only a new message of the user can be sent.");
  }
  return message;
}

/** Rejects with the signal's reason as soon as it is aborted, whatever becomes of the promise. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return promise;
  }
  const listening = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener("abort", onAbort, { signal: listening.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    listening.abort();
  }
}

function serverCode(chunk: { readonly errorText: string }): string | null {
  return "code" in chunk && typeof chunk.code === "string" ? chunk.code : null;
}
