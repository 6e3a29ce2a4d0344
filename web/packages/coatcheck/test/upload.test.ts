import { UploadError, UploadQueue, type UploadQueueOptions } from "coatcheck";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeRequest } from "./fake-request.ts";
import { lighthouse } from "./samples.ts";

beforeEach(() => {
  FakeRequest.all = [];
  vi.stubGlobal("navigator", { onLine: true });
});

const picture = (name = "sea.png", bytes = 100) =>
  new File([new Uint8Array(bytes)], name, { type: "image/png" });
const queueOf = (options: UploadQueueOptions = {}) =>
  // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
  new UploadQueue({ XMLHttpRequest: FakeRequest, ...options });
const states = (queue: UploadQueue) => queue.items.map(({ state }) => state.status);
const failure = (queue: UploadQueue, index = 0): UploadError => {
  const state = queue.items[index]?.state;
  if (state?.status !== "failed") {
    throw new Error(`the upload is ${state?.status}`);
  }
  return state.error;
};
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("UploadQueue", () => {
  it("sends a file, tells its progress, and ends with its reference", async () => {
    const queue = queueOf({ url: "/media/upload?x=1" });
    const seen: unknown[] = [];
    queue.subscribe(() => seen.push(queue.items[0]?.state));
    queue.add([picture("a lake & more.png")]);
    expect(FakeRequest.last.url).toBe("POST /media/upload?x=1&filename=a%20lake%20%26%20more.png");
    expect(FakeRequest.last.sent?.size).toBe(100);
    FakeRequest.last.progress(40, 100);
    expect(queue.items[0]?.state).toEqual({ status: "sending", progress: 0.4 });
    FakeRequest.last.progress(100, 100);
    FakeRequest.last.answer(201, lighthouse);
    await settled();
    expect(queue.items[0]?.state).toEqual({ status: "ready", reference: lighthouse });
    expect(seen).toEqual([
      { status: "waiting" },
      { status: "sending", progress: 0 },
      { status: "sending", progress: 0.4 },
      { status: "sending", progress: 1 },
      { status: "ready", reference: lighthouse },
    ]);
    expect(queue.take()).toEqual([lighthouse]);
    expect(queue.items).toEqual([]);
  });

  it("sends few files at a time and keeps their order", async () => {
    const queue = queueOf({ parallel: 2 });
    queue.add([picture("1.png"), picture("2.png"), picture("3.png")]);
    expect(states(queue)).toEqual(["sending", "sending", "waiting"]);
    FakeRequest.all[1]?.answer(201, lighthouse);
    await settled();
    expect(states(queue)).toEqual(["sending", "ready", "sending"]);
    FakeRequest.all[0]?.lose();
    FakeRequest.all[2]?.answer(201, lighthouse);
    await settled();
    expect(states(queue)).toEqual(["failed", "ready", "ready"]);
    expect(queue.items.map(({ file }) => file.name)).toEqual(["1.png", "2.png", "3.png"]);
    expect(queue.take()).toHaveLength(2);
    expect(states(queue)).toEqual(["failed"]);
  });
});

describe("what the reader does", () => {
  it("stops a file that is on its way, and sends it again", async () => {
    const queue = queueOf();
    queue.add([picture()]);
    const id = queue.items[0]?.id ?? "";
    queue.cancel(id);
    await settled();
    expect(FakeRequest.last.aborted).toBe(true);
    expect(failure(queue).code).toBe("cancelled");
    queue.retry(id);
    expect(states(queue)).toEqual(["sending"]);
    expect(FakeRequest.all).toHaveLength(2);
    FakeRequest.last.answer(201, lighthouse);
    await settled();
    expect(states(queue)).toEqual(["ready"]);
  });

  it("stops a file that waits for its turn", async () => {
    const queue = queueOf({ parallel: 1 });
    queue.add([picture("1.png"), picture("2.png")]);
    queue.cancel(queue.items[1]?.id ?? "");
    expect(failure(queue, 1).code).toBe("cancelled");
    FakeRequest.last.answer(201, lighthouse);
    await settled();
    expect(FakeRequest.all).toHaveLength(1);
  });

  it("discards what was taken in and is not wanted", async () => {
    const onDiscard = vi.fn();
    const queue = queueOf({ onDiscard });
    queue.add([picture()]);
    const sent = FakeRequest.last;
    sent.answer(201, lighthouse);
    await settled();
    queue.remove(queue.items[0]?.id ?? "");
    expect(onDiscard).toHaveBeenCalledWith(lighthouse);
    expect(queue.items).toEqual([]);
  });

  it("discards what arrives in the moment in which it is taken out", async () => {
    const onDiscard = vi.fn();
    const queue = queueOf({ onDiscard });
    queue.add([picture()]);
    FakeRequest.last.answer(201, lighthouse);
    queue.remove(queue.items[0]?.id ?? "");
    await settled();
    expect(onDiscard).toHaveBeenCalledOnce();
    expect(queue.items).toEqual([]);
  });

  it("keeps no more than it takes, and leaves the turn to the next", async () => {
    const queue = queueOf({ parallel: 1 });
    queue.add([picture("1.png"), picture("2.png")]);
    queue.remove(queue.items[0]?.id ?? "");
    await settled();
    expect(FakeRequest.all).toHaveLength(2);
    queue.clear();
    await settled();
    expect(FakeRequest.all.every(({ aborted }) => aborted)).toBe(true);
  });
});

describe("what goes wrong", () => {
  it.each([
    ["is no picture", new File(["x"], "notes.txt", { type: "text/plain" }), "unsupported"],
    ["has no type", new File(["x"], "notes"), "unsupported"],
    ["is too large", picture("large.png", 2000), "too-large"],
  ])("does not send a file that %s", (_, file, code) => {
    const queue = queueOf({ maxBytes: 1000 });
    queue.add([file]);
    expect(failure(queue).code).toBe(code);
    expect(failure(queue).canRetry).toBe(false);
    expect(FakeRequest.all).toEqual([]);
  });

  it("names both sizes of a file that is too large", () => {
    const queue = queueOf({ maxBytes: 1000 });
    queue.add([picture("large.png", 2000)]);
    expect(failure(queue).message).toBe("This has 2.0 KB; a picture may have 1.0 KB.");
  });

  it("takes as many files as a message does, and another once there is room", () => {
    const queue = queueOf({ maxFiles: 2 });
    queue.add([picture("1.png"), picture("2.png"), picture("3.png")]);
    expect(failure(queue, 2).code).toBe("too-many");
    const third = queue.items[2]?.id ?? "";
    queue.retry(third);
    expect(failure(queue, 2).code).toBe("too-many");
    queue.remove(queue.items[0]?.id ?? "");
    queue.retry(third);
    expect(states(queue)).toEqual(["sending", "sending"]);
  });

  it.each([
    [413, "media_too_large", "too-large", false],
    [413, "quota_exceeded", "refused", true],
    [415, "unsupported_media_type", "unsupported", false],
    [422, "unprocessable_media", "unsupported", false],
    [422, "pixel_budget_exceeded", "unsupported", false],
    [401, "unauthorized", "refused", true],
    [503, "overloaded", "refused", true],
  ])("tells what the server says with %i %s", async (status, serverCode, code, canRetry) => {
    const queue = queueOf();
    queue.add([picture()]);
    FakeRequest.last.answer(status, { code: serverCode, detail: "Told by the server." });
    await settled();
    expect(failure(queue)).toMatchObject({ code, serverCode, message: "Told by the server." });
    expect(failure(queue).canRetry).toBe(canRetry);
  });

  it("speaks for a proxy that answers with a page", async () => {
    const queue = queueOf();
    queue.add([picture()]);
    FakeRequest.last.answer(502, "<h1>Bad Gateway</h1>");
    await settled();
    expect(failure(queue).message).toBe("The server refused the file (HTTP 502).");
  });

  it.each(["", "null", "{}", JSON.stringify({ ...lighthouse, version: 2 })])(
    "does not take %j for a reference",
    async (body) => {
      const queue = queueOf();
      queue.add([picture()]);
      FakeRequest.last.answer(201, body);
      await settled();
      expect(failure(queue).code).toBe("unreadable");
    },
  );

  it("tells a lost connection from a missing network", async () => {
    const queue = queueOf();
    queue.add([picture()]);
    FakeRequest.last.lose();
    await settled();
    expect(failure(queue).code).toBe("unreachable");
    vi.stubGlobal("navigator", { onLine: false });
    queue.retry(queue.items[0]?.id ?? "");
    FakeRequest.last.lose();
    await settled();
    expect(failure(queue).code).toBe("offline");
    expect(failure(queue)).toBeInstanceOf(UploadError);
  });
});
