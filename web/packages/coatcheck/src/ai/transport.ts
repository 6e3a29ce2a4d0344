import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import type { Endpoint } from "./connection.ts";
import { PushedMedia } from "./pushed-media.ts";
import { StreamLink } from "./stream-link.ts";
import { ToldReferences } from "./told-references.ts";
import { ChatTransportError } from "./transport-error.ts";
import { endpointOf, timingOf, type WebSocketChatTransportOptions } from "./transport-options.ts";
import { Turn } from "./turn.ts";
import { requestFor } from "./turn-request.ts";
import { NO_TURNS, step, type TurnId, type TurnsEffect, type TurnsEvent } from "./turns.ts";
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
  readonly #told = new ToldReferences();
  #position: number;
  #link: StreamLink | null = null;
  #state = NO_TURNS;
  /** The turns that the state speaks of. */
  readonly #turns = new Map<TurnId, Turn>();
  /** What is still to be done, in order: doing it may make something else happen. */
  readonly #effects: TurnsEffect[] = [];
  #isActing = false;
  #turnBegan: () => void = () => undefined;
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
    while (this.#state.own !== null) {
      // biome-ignore lint/performance/noAwaitInLoops: another waiting caller may have begun a turn first
      await this.#waitFor(this.#turn(this.#state.own), abortSignal);
    }
    this.#happen({ type: "asked" });
    const id = this.#state.newest;
    const turn = this.#turn(id);
    abortSignal?.addEventListener("abort", () => this.#cancel(id), { once: true });
    const link = this.#linkTo(chatId);
    try {
      // Follow before anything is asked for: only then does a lost request differ from a slow one.
      await untilAborted(link.open(), abortSignal);
      abortSignal?.throwIfAborted();
    } catch (error) {
      this.#happen({ type: "unsent", turn: id });
      throw error;
    }
    this.#happen({ type: "requested", turn: id, request });
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
      if (this.#state.joinable.length === 0 && this.#state.expectsTurn) {
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
    const [id] = this.#state.joinable;
    if (id === undefined) {
      return null;
    }
    const { stream } = this.#turn(id);
    abortSignal?.addEventListener("abort", () => this.#cancel(id), { once: true });
    this.#happen({ type: "joined" });
    return stream;
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
    this.#happen({ type: "closed" });
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
      onResumed: (resumption) => this.#happen({ type: "resumed", resumption }),
      onFrame: (frame) => this.#happen({ type: "received", frame }),
      onPushed: (frame) => this.#pushed.take(frame),
      onExpired: () => this.#happen({ type: "expired" }),
      onLost: () => this.#happen({ type: "lost" }),
      onReport: this.#options.onFrame,
    });
    return this.#link;
  }

  #happen(event: TurnsEvent): void {
    const [state, effects] = step(this.#state, event);
    this.#state = state;
    this.#effects.push(...effects);
    if (this.#isActing) {
      return;
    }
    this.#isActing = true;
    try {
      for (let next = this.#effects.shift(); next !== undefined; next = this.#effects.shift()) {
        this.#act(next);
      }
    } finally {
      this.#isActing = false;
    }
    this.#forgetTurns();
  }

  #act(effect: TurnsEffect): void {
    switch (effect.type) {
      case "send":
        this.#link?.send(effect.frame);
        break;
      case "cancel":
        this.#link?.cancel();
        break;
      case "rewind":
        this.#link?.rewind(effect.position);
        break;
      case "restart":
        this.#link?.restart();
        break;
      case "push":
        this.#turn(effect.turn).push(this.#pushed.dress(this.#told.complete(effect.chunk)));
        break;
      case "fail":
        this.#turn(effect.turn).fail(effect.error);
        break;
      case "finish":
        this.#turn(effect.turn).finish();
        break;
      case "settle":
        this.#turn(effect.turn).settle();
        break;
      case "forget-pushed":
        this.#pushed.clear();
        this.#told.clear();
        break;
      case "announce":
        this.#options.onTurn?.(effect.start);
        this.#turnBegan();
        break;
      case "tell-expired":
        this.#options.onExpired?.();
        break;
      case "await-socket":
        this.#awaitSocket();
        break;
      case "stop-waiting":
        clearTimeout(this.#patienceTimer);
        this.#patienceTimer = undefined;
    }
  }

  /** A turn waits for another socket, but not for ever. */
  #awaitSocket(): void {
    const { patience = 60_000 } = this.#options;
    this.#patienceTimer ??= setTimeout(() => this.#happen({ type: "out-of-patience" }), patience);
  }

  #turn(id: TurnId): Turn {
    const known = this.#turns.get(id);
    if (known !== undefined) {
      return known;
    }
    const turn = new Turn(() => this.#cancel(id));
    this.#turns.set(id, turn);
    return turn;
  }

  #cancel(id: TurnId): void {
    this.#turns.get(id)?.finish();
    this.#happen({ type: "cancelled", turn: id });
  }

  #forgetTurns(): void {
    const { own, current, joinable } = this.#state;
    for (const id of this.#turns.keys()) {
      if (id !== own && id !== current && !joinable.includes(id)) {
        this.#turns.delete(id);
      }
    }
  }

  async #waitFor(previous: Turn, abortSignal: AbortSignal | undefined): Promise<void> {
    if (previous.isRunning) {
      throw new ChatTransportError("busy", "Another answer is still being written.");
    }
    const { drainTimeout = 5000 } = this.#options;
    const timer = setTimeout(() => {
      this.#happen({ type: "not-drained" });
    }, drainTimeout);
    try {
      await untilAborted(previous.settled, abortSignal);
    } finally {
      clearTimeout(timer);
    }
  }
}
