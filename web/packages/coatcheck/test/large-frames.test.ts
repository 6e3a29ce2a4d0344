import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lightenFrame } from "../src/core/legacy/lighten.ts";
import { OrderedReader } from "../src/core/legacy/ordered-reader.ts";
import { FakeSocket } from "./fake-socket.ts";
import { nextSocket, readAll, Tab } from "./tab.ts";

const HEAVY = `iVBORw0KGgo${"A".repeat(70_001)}`;
const old = (id: string) => ({
  type: "tool-output-available",
  toolCallId: id,
  output: `✅ **Success**: ${JSON.stringify({ imageData: HEAVY })}`,
});

type Listener = (event: { readonly data: unknown }) => void;

/** Does the real worker's work when it is told to. `tests/e2e/test_large_frames.py` runs the real one. */
class SlowWorker {
  static readonly all: SlowWorker[] = [];
  readonly asked: string[] = [];
  isTerminated = false;
  readonly #listeners = new Map<string, Listener>();

  constructor() {
    SlowWorker.all.push(this);
  }
  static get last(): SlowWorker {
    const worker = SlowWorker.all.at(-1);
    if (worker === undefined) {
      throw new Error("no worker was made");
    }
    return worker;
  }
  /** The worker's turn, once it has been asked. */
  static async answer(): Promise<void> {
    await vi.waitUntil(() => SlowWorker.all.some(({ asked }) => asked.length > 0));
    const worker = SlowWorker.last;
    const text = worker.asked.shift() ?? "";
    worker.#listeners.get("message")?.({ data: { value: lightenFrame(JSON.parse(text)) } });
  }
  postMessage(text: string): void {
    this.asked.push(text);
  }
  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, listener);
  }
  terminate(): void {
    this.isTerminated = true;
  }
  fail(): void {
    this.#listeners.get("error")?.({ data: null });
  }
}

/** A pushed thumbnail of the part `m1`. */
function thumbnail(): ArrayBuffer {
  const header = new TextEncoder().encode(
    JSON.stringify({ id: "m1", mimeType: "image/webp", width: 1, height: 1, seq: 0 }),
  );
  const frame = new Uint8Array(8 + header.length + 1);
  frame.set([1, 2, 0, 0, 0, 0, 0, header.length]);
  frame.set(header, 8);
  return frame.buffer;
}

let tab: Tab;
/** What the transport has read, in order. */
const read = () =>
  tab.reports.flatMap((report) => {
    if (report.direction === "received" && report.frame.seq > 0) {
      return [report.frame.chunk.type];
    }
    return report.direction === "pushed" ? ["pushed"] : [];
  });

beforeEach(() => {
  FakeSocket.reset();
  SlowWorker.all.length = 0;
  tab = new Tab();
});

afterEach(() => {
  tab.transport.close();
  vi.unstubAllGlobals();
});

describe("with a worker", () => {
  beforeEach(() => vi.stubGlobal("Worker", SlowWorker));

  it("parses no large frame on the page and keeps the order of all that comes", async () => {
    const parse = vi.spyOn(JSON, "parse");
    const { stream, socket } = await tab.begin();
    socket.chunk({ type: "start" });
    socket.chunk(old("a"));
    socket.frame(thumbnail());
    socket.chunk({ type: "text-delta", id: "t", delta: "small" });
    socket.chunk(old("b"));
    socket.chunk({ type: "finish" });
    expect(read()).toEqual(["data-turn", "start"]);
    const onPage = parse.mock.calls.filter(([text]) => text.length > 65_536);
    parse.mockRestore();
    expect(onPage).toEqual([]);

    await SlowWorker.answer();
    const first = ["data-turn", "start", "tool-output-available", "pushed", "text-delta"];
    await vi.waitUntil(() => read().length === first.length);
    expect(read()).toEqual(first);
    await SlowWorker.answer();
    const { types, error } = await readAll(stream);
    expect(error).toBeNull();
    expect(types).toEqual([
      "start",
      "tool-output-available",
      "text-delta",
      "tool-output-available",
      "finish",
    ]);
    expect(SlowWorker.all).toHaveLength(1);
    const report = tab.reports.find(
      (one) => one.direction === "received" && one.frame.chunk.type === "tool-output-available",
    );
    expect(report?.bytes).toBeGreaterThan(HEAVY.length);
    expect(report).toMatchObject({ frame: { chunk: { output: { imageData: expect.any(Blob) } } } });
  });

  it("makes no worker for small frames", async () => {
    const { stream, socket } = await tab.begin();
    socket.chunk({ type: "text-delta", id: "t", delta: "x".repeat(60_000) });
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).types).toEqual(["text-delta", "finish"]);
    expect(SlowWorker.all).toEqual([]);
  });
});

describe("a worker's or a socket's end", () => {
  beforeEach(() => vi.stubGlobal("Worker", SlowWorker));

  it("reads what came before the socket was lost, and goes on behind it", async () => {
    const { stream, socket } = await tab.begin();
    socket.chunk(old("a"));
    socket.chunk({ type: "text-delta", id: "t", delta: "last" });
    socket.drop();
    await SlowWorker.answer();
    const next = await nextSocket(socket);
    expect(next.resumptions).toMatchObject([{ seq: FakeSocket.seq }]);
    next.chunk({ type: "finish" });
    expect((await readAll(stream)).types).toEqual([
      "tool-output-available",
      "text-delta",
      "finish",
    ]);
  });

  it("goes on without a worker that breaks", async () => {
    const { stream, socket } = await tab.begin();
    socket.chunk(old("a"));
    socket.chunk({ type: "finish" });
    await vi.waitUntil(() => SlowWorker.all.length > 0);
    SlowWorker.last.fail();
    expect((await readAll(stream)).types).toEqual(["tool-output-available", "finish"]);
    expect(SlowWorker.last.isTerminated).toBe(true);
  });

  it("ends the worker with the transport and reads nothing more", async () => {
    const { stream, socket } = await tab.begin();
    socket.chunk(old("a"));
    await vi.waitUntil(() => SlowWorker.all.length > 0);
    const before = read();
    tab.transport.close();
    await vi.waitUntil(() => SlowWorker.last.isTerminated);
    await SlowWorker.answer();
    expect(read()).toEqual(before);
    expect((await readAll(stream)).error).toMatchObject({ code: "disconnected" });
    // A later message opens a new socket, and the next large frame a new worker.
    const again = await tab.begin();
    again.socket.chunk(old("b"));
    again.socket.chunk({ type: "finish" });
    await vi.waitUntil(() => SlowWorker.all.length === 2);
    await SlowWorker.answer();
    expect((await readAll(again.stream)).types).toEqual(["tool-output-available", "finish"]);
  });

  it("closes a socket whose large frame is none of the protocol's", async () => {
    const { socket } = await tab.begin();
    socket.frame(JSON.stringify({ text: "x".repeat(70_000) }));
    await SlowWorker.answer();
    await nextSocket(socket);
    expect(socket.readyState).toBe(3);
  });
});

describe("without workers", () => {
  it("parses large frames on the page, in order", async () => {
    expect(globalThis.Worker).toBeUndefined();
    const { stream, socket } = await tab.begin();
    for (const id of ["a", "b"]) {
      socket.chunk(old(id));
      socket.chunk({ type: "text-delta", id: "t", delta: id });
    }
    socket.chunk({ type: "finish" });
    expect((await readAll(stream)).types).toEqual([
      "tool-output-available",
      "text-delta",
      "tool-output-available",
      "text-delta",
      "finish",
    ]);
  });
});

describe("OrderedReader", () => {
  it("gives an idle worker up and takes another one when it is needed", async () => {
    vi.useFakeTimers();
    try {
      const reader = new OrderedReader(() => new SlowWorker());
      const first = reader.read(JSON.stringify({ text: HEAVY }));
      vi.advanceTimersByTime(120_000);
      expect(SlowWorker.last.isTerminated).toBe(false); // it is at work
      await SlowWorker.answer();
      expect(await first).toMatchObject({ text: expect.any(Blob) });
      vi.advanceTimersByTime(29_000);
      const second = reader.read(JSON.stringify({ text: HEAVY }));
      vi.advanceTimersByTime(29_000);
      await SlowWorker.answer();
      await second;
      expect(SlowWorker.all).toHaveLength(1);
      vi.advanceTimersByTime(31_000);
      expect(SlowWorker.last.isTerminated).toBe(true);
      const third = reader.read(JSON.stringify({ text: HEAVY }));
      expect(SlowWorker.all).toHaveLength(2);
      await SlowWorker.answer();
      await third;
      reader.close();
      expect(SlowWorker.last.isTerminated).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a frame that is made light", () => {
  it("keeps texts and addresses, which are read as strings", () => {
    for (const chunk of [
      { type: "text-delta", id: "t", delta: HEAVY },
      { type: "file", mediaType: "image/png", url: `data:image/png;base64,${HEAVY}` },
    ]) {
      expect(lightenFrame({ seq: 3, chunk })).toEqual({ seq: 3, chunk });
    }
  });

  it("has Blobs in a tool's output and in the data of a part", () => {
    const data = { state: "old", imageData: HEAVY };
    const light = lightenFrame({ seq: 3, chunk: { type: "data-old", id: "p", data } });
    expect(light).toMatchObject({
      seq: 3,
      chunk: { type: "data-old", id: "p", data: { state: "old", imageData: expect.any(Blob) } },
    });
    expect(lightenFrame({ seq: 4, chunk: old("a") })).toMatchObject({
      chunk: { toolCallId: "a", output: { imageData: expect.any(Blob) } },
    });
  });

  it("leaves a long output without pictures as the text that it is", () => {
    const output = JSON.stringify({ rows: Array.from({ length: 9000 }, (_, row) => ({ row })) });
    const frame = { seq: 5, chunk: { type: "tool-output-available", toolCallId: "a", output } };
    expect(lightenFrame(frame)).toEqual(frame);
  });
});
