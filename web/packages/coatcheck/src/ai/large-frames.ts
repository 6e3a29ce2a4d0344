import { parseJson } from "../core/json.ts";
import type { OrderedReader } from "../core/legacy/ordered-reader.ts";

/**
 * Reads large frames off the page's thread. What does so is loaded when the first one comes: servers
 * that send references have none.
 */
export class LargeFrames {
  #reader: Promise<OrderedReader> | null = null;

  /** The frame's value, pictures in it as Blobs; undefined for one that is no JSON. Never rejects. */
  async read(text: string): Promise<unknown> {
    this.#reader ??= import("../core/legacy/ordered-reader.ts").then(
      (legacy) => new legacy.OrderedReader(),
    );
    try {
      return await (await this.#reader).read(text);
    } catch {
      // Its file could not be had. The next large frame tries again.
      this.#reader = null;
      return parseJson(text);
    }
  }

  /** Ends the worker. What it reads is dropped. */
  close(): void {
    this.#reader?.then((reader) => reader.close()).catch(() => undefined);
    this.#reader = null;
  }
}
