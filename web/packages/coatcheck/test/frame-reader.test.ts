import { FrameReader, type WorkerLike } from "coatcheck/legacy";
import { beforeEach, describe, expect, it } from "vitest";
import { lighten } from "../src/core/legacy/lighten.ts";

const small = (id: number) => JSON.stringify({ id });
const large = (id: number) => JSON.stringify({ id, text: "x".repeat(70_000) });

/** Does the real worker's work when it is told to. `tests/e2e/test_package.py` runs the real one. */
class SlowWorker implements WorkerLike {
  readonly asked: string[] = [];
  isTerminated = false;
  readonly #listeners = new Map<string, (event: { readonly data: unknown }) => void>();

  postMessage(text: string): void {
    this.asked.push(text);
  }
  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
    this.#listeners.set(type, listener);
  }
  terminate(): void {
    this.isTerminated = true;
  }
  answer(): void {
    const text = this.asked.shift() ?? "";
    this.#listeners.get("message")?.({ data: { value: lighten(JSON.parse(text)) } });
  }
  break(): void {
    this.#listeners.get("error")?.({ data: null });
  }
}

let worker: SlowWorker;
let read: unknown[];
let reader: FrameReader;
beforeEach(() => {
  worker = new SlowWorker();
  read = [];
  reader = new FrameReader(
    (frame) => read.push((frame as { id: number } | undefined)?.id),
    () => worker,
  );
});

describe("FrameReader", () => {
  it("reads small frames at once and starts no worker for them", () => {
    let made = 0;
    const lazy = new FrameReader(
      (frame) => read.push(frame),
      () => {
        made += 1;
        return worker;
      },
    );
    lazy.read(small(1));
    lazy.read("no JSON");
    expect(read).toEqual([{ id: 1 }, undefined]);
    expect(made).toBe(0);
  });

  it("keeps the order: what comes after a large frame waits for it", () => {
    for (const frame of [small(1), large(2), small(3), large(4), small(5)]) {
      reader.read(frame);
    }
    expect(read).toEqual([1]);
    expect(worker.asked).toHaveLength(2);
    worker.answer();
    expect(read).toEqual([1, 2, 3]);
    worker.answer();
    expect(read).toEqual([1, 2, 3, 4, 5]);
  });

  it("goes on without a worker that breaks", () => {
    reader.read(large(1));
    reader.read(small(2));
    worker.break();
    expect(read).toEqual([1, 2]);
    expect(worker.isTerminated).toBe(true);
    reader.read(large(3));
    expect(read).toEqual([1, 2, 3]);
  });

  it("parses where no worker can be made", () => {
    const alone = new FrameReader(
      (frame) => read.push((frame as { id: number }).id),
      () => {
        throw new DOMException("refused", "SecurityError");
      },
    );
    alone.read(large(1));
    alone.read(small(2));
    expect(read).toEqual([1, 2]);
  });

  it("drops what is under way when it is closed", () => {
    reader.read(large(1));
    reader.read(small(2));
    reader.close();
    worker.answer();
    expect(read).toEqual([]);
    expect(worker.isTerminated).toBe(true);
  });
});
