import type { BinaryFrame } from "./binary-frames.ts";
import { Connection, type Endpoint, type FrameReport } from "./connection.ts";
import { type ChunkFrame, type ClientFrame, parseResumption, type Resumption } from "./frames.ts";
import { LargeFrames } from "./large-frames.ts";
import { RoundTrip } from "./round-trip.ts";
import { ChatTransportError, codeOf, unreachable } from "./transport-error.ts";

/** How a link behaves when its socket is lost. */
export interface LinkTiming {
  /** Milliseconds before the first try; each further one waits twice as long, up to a bound. */
  readonly retryDelay: number;
  /** After how many milliseconds without any frame a socket counts as lost. */
  readonly silence: number;
}

/** What a link follows, and how. */
export interface LinkTarget {
  readonly conversationId: string;
  /** The last number seen, or 0. */
  readonly position: number;
  readonly endpoint: Endpoint;
  readonly timing: LinkTiming;
}

interface LinkHandlers {
  /** The stream is followed from here. */
  readonly onResumed: (resumption: Resumption) => void;
  /** A chunk of the sequence, each once and in order, or one with number 0. */
  readonly onFrame: (frame: ChunkFrame) => void;
  readonly onPushed: (frame: BinaryFrame) => void;
  /** What was missed cannot be had any more. The stream is followed from where it is now. */
  readonly onExpired: () => void;
  /** The socket is lost; another one is being tried. */
  readonly onLost: () => void;
  readonly onReport: ((report: FrameReport) => void) | undefined;
}

/**
 * Follows one conversation's stream, over as many sockets as it takes.
 *
 * Each socket begins with a `stream-resume` that names the last number seen, so that what was missed
 * comes once and in order.
 */
export class StreamLink {
  readonly conversationId: string;
  readonly #endpoint: Endpoint;
  readonly #timing: LinkTiming;
  readonly #handlers: LinkHandlers;
  readonly #largeFrames = new LargeFrames();
  readonly #roundTrip = new RoundTrip();
  #connection: Connection | null = null;
  #position: number;
  #isResumed = false;
  #isClosed = false;
  #failures = 0;
  #attempt: Attempt = newAttempt();
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(target: LinkTarget, handlers: LinkHandlers) {
    this.conversationId = target.conversationId;
    this.#position = target.position;
    this.#endpoint = target.endpoint;
    this.#timing = target.timing;
    this.#handlers = handlers;
  }

  /** The last number seen. */
  get position(): number {
    return this.#position;
  }

  /** Resolves when frames can be sent; rejects when {@link TRIES} sockets in a row came to nothing. */
  open(): Promise<void> {
    if (this.#connection === null && !this.#isClosed) {
      clearTimeout(this.#retryTimer);
      this.#connect();
    }
    return this.#attempt.promise;
  }

  /** Sends a frame. If it is lost on the way, `onResumed` is the moment to find that out. */
  send(frame: ClientFrame): void {
    if (!this.#isResumed) {
      return;
    }
    if (frame.type === "stream-cancel") {
      this.#connection?.send(frame);
    } else {
      this.#roundTrip.begin();
      this.#connection?.send({ ...frame, ...this.#roundTrip.told });
    }
  }

  /** Asks for the running turn to be stopped. */
  cancel(): void {
    this.send({ type: "stream-cancel", conversationId: this.conversationId });
  }

  /** What came after this number counts as not seen: the next socket brings it once more. */
  rewind(position: number): void {
    this.#position = position;
  }

  /** Takes another socket, at once. */
  restart(): void {
    this.#connection?.close();
    void this.open().catch(() => undefined);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    this.#connection?.close();
    this.#largeFrames.close();
  }

  #connect(): void {
    const connection = new Connection(this.#endpoint, {
      onOpen: () => this.#resume(),
      onFrame: (frame) => this.#receive(frame),
      onPushed: (frame) => {
        this.#awaitFrame(this.#timing.silence);
        this.#handlers.onPushed(frame);
      },
      onClosed: () => this.#lose(connection),
      onReport: this.#handlers.onReport,
      readLarge: (text) => this.#largeFrames.read(text),
    });
    this.#connection = connection;
    this.#awaitFrame(Math.min(OPENING, this.#timing.silence));
  }

  #resume(): void {
    this.#isResumed = false;
    this.#roundTrip.begin();
    this.#connection?.send({
      type: "stream-resume",
      conversationId: this.conversationId,
      seq: this.#position,
      referencesOnce: true,
      ...this.#roundTrip.told,
    });
  }

  #receive(frame: ChunkFrame): void {
    this.#awaitFrame(this.#timing.silence);
    if (this.#isResumed) {
      this.#failures = 0;
    }
    if (frame.seq === 0) {
      this.#receiveAside(frame);
    } else if (frame.seq === this.#position + 1) {
      this.#position = frame.seq;
      if (frame.chunk.type === "data-turn") {
        this.#roundTrip.end();
      }
      this.#handlers.onFrame(frame);
    } else if (frame.seq > this.#position) {
      // A frame was lost on the way. The next socket brings it.
      this.#connection?.close();
    }
  }

  #receiveAside(frame: ChunkFrame): void {
    const { chunk } = frame;
    const resumption = parseResumption(chunk);
    if (resumption !== null) {
      this.#roundTrip.end();
      this.#position = resumption.seq;
      this.#isResumed = true;
      this.#attempt.resolve();
      this.#handlers.onResumed(resumption);
    } else if (chunk.type === "error" && codeOf(chunk) === "stream_expired") {
      this.#position = 0;
      this.#handlers.onExpired();
      this.#resume();
    } else if (this.#isResumed) {
      this.#handlers.onFrame(frame);
    } else if (chunk.type === "error") {
      this.#fail(new ChatTransportError("refused", chunk.errorText, codeOf(chunk)));
      this.#connection?.close();
    }
  }

  #lose(connection: Connection): void {
    if (this.#connection !== null && this.#connection !== connection) {
      return;
    }
    clearTimeout(this.#silenceTimer);
    this.#connection = null;
    this.#failures += 1;
    if (this.#isResumed) {
      this.#isResumed = false;
      this.#attempt = newAttempt();
    }
    if (this.#isClosed || this.#failures >= TRIES) {
      this.#fail(unreachable());
    }
    if (!this.#isClosed) {
      const longest = Math.min(LONGEST_DELAY, this.#timing.retryDelay * 2 ** (this.#failures - 1));
      // At random, or all clients of a server that restarts would come back in the same moment.
      this.#retryTimer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
      this.#handlers.onLost();
    }
  }

  /** Rejects every waiting promise: there is no connection for now. */
  #fail(reason: ChatTransportError): void {
    this.#attempt.reject(reason);
    this.#attempt = newAttempt();
  }

  #awaitFrame(milliseconds: number): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#connection?.close(), milliseconds);
  }
}

/** After so many failures the server counts as one that cannot be reached. */
const TRIES = 3;
const LONGEST_DELAY = 15_000;
/** How long a socket may take to open and to answer for the first time. */
const OPENING = 10_000;

interface Attempt {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

function newAttempt(): Attempt {
  let resolve: Attempt["resolve"] = () => undefined;
  let reject: Attempt["reject"] = () => undefined;
  const promise = new Promise<void>((...settlers) => {
    [resolve, reject] = settlers;
  });
  // Waiting callers get the error; an attempt without one may fail silently.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
