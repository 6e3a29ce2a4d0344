import { LARGE_FRAME, parseJson } from "../json.ts";

/** The part of a browser's `Worker` that a reader uses. */
export interface WorkerLike {
  /** Hands it a frame. */
  postMessage(text: string): void;
  /** Calls the listener with each answer. */
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  /** Calls the listener when it cannot answer. */
  addEventListener(type: "error" | "messageerror", listener: () => void): void;
  /** Ends it. */
  terminate(): void;
}

/**
 * Reads JSON frames in the order in which they came, large ones off the page's thread.
 *
 * For servers that still send pictures inside their messages: a frame over 64 Ki characters goes to a
 * worker, from where it comes back with Blobs in the place of base64. Frames after it wait for it. The
 * worker is a module beside this one, so that a Content-Security-Policy of `worker-src 'self'` is enough;
 * where there is none to be had, large frames are parsed here.
 */
export class FrameReader {
  readonly #onFrame: (frame: unknown) => void;
  readonly #makeWorker: () => WorkerLike;
  /** Frames in order: text to be parsed, and what became of those that are. */
  readonly #queue: Entry[] = [];
  /** Those that the worker has, in the order in which it answers. */
  #sent: Entry[] = [];
  #worker: WorkerLike | null = null;
  #isWorkerLost = false;

  /**
   * @param onFrame called with each frame's value, or undefined for one that is no JSON.
   * @param makeWorker makes the worker; for bundlers that do not see the default one.
   */
  constructor(onFrame: (frame: unknown) => void, makeWorker: () => WorkerLike = makeFrameWorker) {
    this.#onFrame = onFrame;
    this.#makeWorker = makeWorker;
  }

  /** Takes a frame. A small one that waits for none is read before this returns. */
  read(text: string): void {
    const entry: Entry = { text, result: null };
    this.#queue.push(entry);
    if (text.length > LARGE_FRAME) {
      this.#send(entry);
    }
    this.#deliver();
  }

  /** Ends the worker. Frames that it has are dropped. */
  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#sent = [];
    this.#queue.length = 0;
  }

  #send(entry: Entry): void {
    const worker = this.#startWorker();
    if (worker === null) {
      entry.result = { value: parseJson(entry.text) };
      return;
    }
    this.#sent.push(entry);
    worker.postMessage(entry.text);
  }

  #deliver(): void {
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined || (first.result === null && this.#sent.includes(first))) {
        return;
      }
      this.#queue.shift();
      this.#onFrame(first.result === null ? parseJson(first.text) : first.result.value);
    }
  }

  #startWorker(): WorkerLike | null {
    if (this.#worker !== null || this.#isWorkerLost) {
      return this.#worker;
    }
    try {
      const worker = this.#makeWorker();
      worker.addEventListener("message", ({ data }) => this.#take(data));
      worker.addEventListener("error", () => this.#lose());
      worker.addEventListener("messageerror", () => this.#lose());
      this.#worker = worker;
    } catch {
      this.#isWorkerLost = true;
    }
    return this.#worker;
  }

  #take(answer: unknown): void {
    const entry = this.#sent.shift();
    if (entry !== undefined) {
      entry.result = isResult(answer) ? answer : { value: undefined };
      this.#deliver();
    }
  }

  /** A policy forbids the worker, its file is missing, or it ran out of memory: go on without it. */
  #lose(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#isWorkerLost = true;
    this.#sent = [];
    this.#deliver();
  }
}

interface Entry {
  readonly text: string;
  result: { readonly value: unknown } | null;
}

function makeFrameWorker(): WorkerLike {
  // Bundlers look for these very words.
  return new Worker(new URL("./frame-worker.js", import.meta.url), { type: "module" });
}

function isResult(answer: unknown): answer is { readonly value: unknown } {
  return typeof answer === "object" && answer !== null && "value" in answer;
}
