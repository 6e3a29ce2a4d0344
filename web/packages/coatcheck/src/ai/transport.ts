import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import type { Endpoint } from "./connection.ts";
import { type ChunkFrame, parseTurnStart, type Resumption, type TurnStart } from "./frames.ts";
import { PushedMedia } from "./pushed-media.ts";
import { StreamLink } from "./stream-link.ts";
import { ChatTransportError, codeOf, disconnected, expired } from "./transport-error.ts";
import { endpointOf, timingOf, type WebSocketChatTransportOptions } from "./transport-options.ts";
import { Turn } from "./turn.ts";
import { requestFor, type TurnRequest } from "./turn-request.ts";
import { untilAborted } from "./until-aborted.ts";

/**
 * Carries an AI SDK chat over a WebSocket.
 *
 * Only the newest user message travels to the server, which keeps the history. Chunks come back as
 * text frames; a turn ends with a `finish` or `abort` chunk. A socket that is lost is replaced, and
 * the stream goes on where it was: the reader of a turn notices nothing. An `error` chunk becomes the
 * stream's error, a {@link ChatTransportError} with the server's code, after everything before it.
 *
 * A transport follows one conversation, and keeps following it between turns.
 */
export class WebSocketChatTransport<Message extends UIMessage = UIMessage>
  implements ChatTransport<Message>
{
  readonly #options: WebSocketChatTransportOptions;
  readonly #endpoint: Endpoint;
  readonly #pushed = new PushedMedia();
  #position: number;
  #link: StreamLink | null = null;
  /** The turn that was asked for here, until the server has ended it. */
  #own: Turn | null = null;
  /** What asked for it, until the stream says that it has begun. */
  #request: TurnRequest | null = null;
  /** The turn that the stream's chunks belong to now. */
  #current: Turn | null = null;
  /** After which number that turn began. */
  #currentStart = 0;
  /** Turns that were asked for elsewhere and that nobody reads yet. */
  readonly #joinable: Turn[] = [];
  /** Whether the stream is going to bring a turn's beginning. */
  #expectsTurn = false;
  #turnBegan: () => void = () => undefined;
  /** When this chunk has been seen and the request has not begun, it never arrived. */
  #askAgainAfter: number | null = null;
  #refusal: ChatTransportError | null = null;
  #patienceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WebSocketChatTransportOptions) {
    this.#options = options;
    this.#position = options.position ?? 0;
    this.#endpoint = endpointOf(options);
  }

  /**
   * Asks for the answer to the last message, or for another one in its place.
   *
   * @param options - The conversation and its messages, and what stops the answer.
   * @returns the answer's chunks as they come.
   */
  async sendMessages({
    trigger,
    chatId,
    messages,
    abortSignal,
  }: Parameters<ChatTransport<Message>["sendMessages"]>[0]): Promise<
    ReadableStream<UIMessageChunk>
  > {
    const request = requestFor(trigger, chatId, messages);
    while (this.#own !== null) {
      // biome-ignore lint/performance/noAwaitInLoops: whoever else waited may have begun a turn first
      await this.#waitFor(this.#own, abortSignal);
    }
    const turn = this.#newTurn(abortSignal);
    this.#own = turn;
    const link = this.#linkTo(chatId);
    try {
      // Followed before anything is asked for: only then can a lost request be told from a slow one.
      await untilAborted(link.open(), abortSignal);
      abortSignal?.throwIfAborted();
    } catch (error) {
      this.#settle(turn);
      throw error;
    }
    this.#request = request;
    link.send(request.frame);
    return turn.stream;
  }

  /**
   * Joins a turn that is under way and was not asked for here; null if there is none.
   *
   * @param options - The conversation, and what ends the waiting for it.
   */
  async reconnectToStream({
    chatId,
    abortSignal,
  }: Parameters<
    ChatTransport<Message>["reconnectToStream"]
  >[0]): Promise<ReadableStream<UIMessageChunk> | null> {
    try {
      await untilAborted(this.follow(chatId), abortSignal);
      if (this.#joinable.length === 0 && this.#expectsTurn) {
        const began = new Promise<void>((resolve) => {
          this.#turnBegan = resolve;
        });
        await untilAborted(began, abortSignal);
      }
    } catch (error) {
      abortSignal?.throwIfAborted();
      if (error instanceof ChatTransportError) {
        return null; // the link goes on trying
      }
      throw error;
    }
    const turn = this.#joinable.shift();
    if (turn === undefined) {
      return null;
    }
    abortSignal?.addEventListener("abort", () => this.#cancel(turn), { once: true });
    return turn.stream;
  }

  /** Follows a conversation from now on, so that `onTurn` hears of what others ask there. */
  follow(chatId: string): Promise<void> {
    return this.#linkTo(chatId).open();
  }

  /** Closes the socket. A later message opens a new one. */
  close(): void {
    this.#position = this.#link?.position ?? this.#position;
    this.#link?.close();
    this.#link = null;
    this.#giveUp(disconnected());
  }

  #linkTo(chatId: string): StreamLink {
    if (this.#link?.conversationId === chatId) {
      return this.#link;
    }
    // The position belongs to the conversation that this was made for, which is the first one.
    const position = this.#link === null ? this.#position : 0;
    this.#link?.close();
    const timing = timingOf(this.#options);
    const target = { conversationId: chatId, position, endpoint: this.#endpoint, timing };
    this.#link = new StreamLink(target, {
      onResumed: (resumption) => this.#resume(resumption),
      onFrame: (frame) => this.#receive(frame),
      onPushed: (frame) => this.#pushed.take(frame),
      onExpired: () => {
        this.#giveUp(expired());
        this.#options.onExpired?.();
      },
      onLost: () => this.#wait(),
      onReport: this.#options.onFrame,
    });
    return this.#link;
  }

  /** The stream goes on: find out what became of what was asked for before the socket was lost. */
  #resume({ seq, last, running }: Resumption): void {
    clearTimeout(this.#patienceTimer);
    this.#patienceTimer = undefined;
    this.#expectsTurn = this.#current === null && (running || last > seq);
    this.#askAgainAfter = last;
    this.#askAgain(seq);
    if (this.#current?.isCancelled === true) {
      this.#link?.cancel();
    }
  }

  /** The socket is lost: the turn waits for another one, but not for ever. */
  #wait(): void {
    const { patience = 60_000 } = this.#options;
    this.#patienceTimer ??= setTimeout(() => {
      if (this.#current !== null) {
        // Should the connection come back, the turn is offered anew, from its beginning.
        this.#link?.rewind(this.#currentStart);
      }
      this.#giveUp(disconnected());
    }, patience);
  }

  #receive({ seq, chunk }: ChunkFrame): void {
    const start = parseTurnStart(chunk);
    if (seq === 0) {
      this.#receiveAside(chunk);
    } else if (start === null) {
      this.#pass(chunk);
    } else {
      this.#currentStart = seq - 1;
      this.#begin(start);
    }
    this.#askAgain(seq);
  }

  #begin(start: TurnStart): void {
    this.#expectsTurn = false;
    if (this.#own !== null && this.#request?.isFor(start) === true) {
      this.#request = null;
      this.#current = this.#own;
      if (this.#own.isCancelled) {
        this.#link?.cancel();
      }
      return;
    }
    const turn = this.#newTurn(undefined);
    this.#current = turn;
    this.#joinable.push(turn);
    this.#options.onTurn?.(start);
    this.#turnBegan();
  }

  #pass(chunk: UIMessageChunk): void {
    const turn = this.#current;
    if (turn === null) {
      return;
    }
    if (chunk.type === "error") {
      turn.fail(new ChatTransportError("refused", chunk.errorText, codeOf(chunk)));
      return;
    }
    turn.push(this.#pushed.dress(chunk));
    if (chunk.type === "finish" || chunk.type === "abort") {
      turn.finish();
      this.#current = null;
      this.#pushed.clear();
      this.#settle(turn);
    }
  }

  /** What is for this socket alone: previews, and why a request was refused. */
  #receiveAside(chunk: UIMessageChunk): void {
    if (chunk.type === "data-media") {
      this.#current?.push(this.#pushed.dress(chunk));
    } else if (chunk.type === "error") {
      this.#refusal = new ChatTransportError("refused", chunk.errorText, codeOf(chunk));
    } else if (chunk.type === "finish" && this.#refusal !== null) {
      if (this.#request !== null) {
        this.#endRequest(this.#refusal);
      }
      this.#refusal = null;
    }
  }

  /** Sends the request once more if all that came meanwhile is seen and its turn has not begun. */
  #askAgain(seen: number): void {
    if (this.#askAgainAfter === null || seen < this.#askAgainAfter) {
      return;
    }
    this.#askAgainAfter = null;
    if (this.#request === null) {
      return;
    }
    if (this.#own?.isCancelled === true) {
      this.#endRequest(disconnected());
    } else {
      this.#link?.send(this.#request.frame);
    }
  }

  #endRequest(reason: ChatTransportError): void {
    const turn = this.#own;
    this.#request = null;
    turn?.fail(reason);
    this.#settle(turn);
  }

  #giveUp(reason: ChatTransportError): void {
    clearTimeout(this.#patienceTimer);
    this.#patienceTimer = undefined;
    for (const turn of new Set([this.#own, this.#current])) {
      turn?.fail(reason);
      this.#settle(turn);
    }
    this.#request = null;
    this.#current = null;
    this.#expectsTurn = false;
    this.#pushed.clear();
  }

  #newTurn(abortSignal: AbortSignal | undefined): Turn {
    const turn = new Turn(() => this.#cancel(turn));
    abortSignal?.addEventListener("abort", () => this.#cancel(turn), { once: true });
    return turn;
  }

  /** Tells the server to stop; no other turn is begun here until it says that it has. */
  #cancel(turn: Turn): void {
    turn.cancel();
    if (turn === this.#current || (turn === this.#own && this.#request !== null)) {
      this.#link?.cancel();
    }
  }

  #settle(turn: Turn | null): void {
    turn?.settle();
    if (this.#own === turn) {
      this.#own = null;
    }
  }

  async #waitFor(previous: Turn, abortSignal: AbortSignal | undefined): Promise<void> {
    if (previous.isRunning) {
      throw new ChatTransportError("busy", "Another answer is still being written.");
    }
    const { drainTimeout = 5000 } = this.#options;
    const timer = setTimeout(() => {
      this.#giveUp(disconnected());
      this.#link?.restart();
    }, drainTimeout);
    try {
      await untilAborted(previous.settled, abortSignal);
    } finally {
      clearTimeout(timer);
    }
  }
}
