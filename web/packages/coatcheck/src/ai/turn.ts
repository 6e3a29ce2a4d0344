import type { UIMessageChunk } from "ai";

/**
 * One answer of the server, from the message that asks for it to the chunk that ends it.
 *
 * A turn has two lives. Its stream ends when the reader stops reading, its `settled` promise when the
 * server is done; after a cancellation the second comes later, and no new turn may begin before it.
 */
export class Turn {
  /** Chunks in order. What arrived before a failure is still delivered before the failure is. */
  readonly stream: ReadableStream<UIMessageChunk>;
  /** Resolves when the server has ended the turn, or can no longer do so. */
  readonly settled: Promise<void>;

  readonly #chunks: UIMessageChunk[] = [];
  #ending: Ending | null = null;
  #wakeReader: () => void = () => undefined;
  #resolveSettled: () => void = () => undefined;

  /** @param onReaderGone called when the reader cancels the stream while the turn still runs. */
  constructor(onReaderGone: () => void) {
    this.settled = new Promise((resolve) => {
      this.#resolveSettled = resolve;
    });
    // Pull-based with no buffer of its own: `controller.error()` would discard chunks already queued.
    this.stream = new ReadableStream<UIMessageChunk>(
      {
        pull: (controller) => this.#deliver(controller),
        cancel: () => {
          const wasRunning = this.#ending === null;
          this.#end({ kind: "abandoned" });
          if (wasRunning) {
            onReaderGone();
          }
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Whether someone may still read from the stream. */
  get isRunning(): boolean {
    return this.#ending === null;
  }

  push(chunk: UIMessageChunk): void {
    if (this.#ending === null) {
      this.#chunks.push(chunk);
      this.#wakeReader();
    }
  }

  /** Ends the stream normally once the reader has what arrived. */
  finish(): void {
    this.#end({ kind: "finished" });
  }

  /** Ends the stream with an error once the reader has what arrived. */
  fail(error: Error): void {
    this.#end({ kind: "failed", error });
  }

  /** Frees the connection for the next turn. */
  settle(): void {
    this.#resolveSettled();
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#wakeReader();
  }

  async #deliver(controller: ReadableStreamDefaultController<UIMessageChunk>): Promise<void> {
    while (this.#chunks.length === 0 && this.#ending === null) {
      // biome-ignore lint/performance/noAwaitInLoops: each round waits for one thing to happen
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    const chunk = this.#chunks.shift();
    if (this.#ending?.kind === "abandoned") {
      return;
    }
    if (chunk !== undefined) {
      controller.enqueue(chunk);
    } else if (this.#ending?.kind === "failed") {
      controller.error(this.#ending.error);
    } else {
      controller.close();
    }
  }
}

type Ending =
  | { readonly kind: "finished" }
  | { readonly kind: "abandoned" }
  | { readonly kind: "failed"; readonly error: Error };
