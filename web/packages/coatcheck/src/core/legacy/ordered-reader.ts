import { FrameReader, type WorkerLike } from "./frame-reader.ts";

/** Milliseconds without a large frame after which the worker is given up, until there is another. */
const IDLE = 30_000;

/** A `FrameReader` that answers each frame with a promise, and keeps its worker no longer than needed. */
export class OrderedReader {
  readonly #reader: FrameReader;
  /** The waiting callers, in the order in which frames came. */
  readonly #waiting: ((value: unknown) => void)[] = [];
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(makeWorker?: () => WorkerLike) {
    this.#reader = new FrameReader((value) => this.#answer(value), makeWorker);
  }

  /** The frame's value; undefined for one that is no JSON. Once closed, it never comes. */
  read(text: string): Promise<unknown> {
    clearTimeout(this.#idleTimer);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#reader.read(text);
    });
  }

  close(): void {
    clearTimeout(this.#idleTimer);
    this.#waiting.length = 0;
    this.#reader.close();
  }

  #answer(value: unknown): void {
    this.#waiting.shift()?.(value);
    if (this.#waiting.length === 0) {
      this.#idleTimer = setTimeout(() => this.#reader.close(), IDLE);
    }
  }
}
