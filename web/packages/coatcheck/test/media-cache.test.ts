import "./worker-globals.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Ledger } from "../src/worker/ledger.ts";
import { MediaCache } from "../src/worker/media-cache.ts";
import { cacheNames } from "../src/worker/policy.ts";
import { ask, emptyCaches, Origin } from "./origin.ts";

const PRIVATE = "private, max-age=31536000, immutable";
const BYTES = 100;

const origin = new Origin();
const ledger = new Ledger();
const onForget = vi.fn(async () => undefined);
let cache: MediaCache;

const opened = (budget = 1_000_000) =>
  new MediaCache({
    scope: { origin: origin.url, path: "/image/" },
    budget,
    ledger,
    onForget,
  });

beforeAll(() => origin.start());
afterAll(() => origin.stop());
beforeEach(async () => {
  await emptyCaches();
  await ledger.clear();
  origin.asked.length = 0;
  answerWith(200, PRIVATE);
  cache = opened();
  await cache.admit("anna");
  onForget.mockClear();
});

function answerWith(status: number, control: string): void {
  origin.answer = (response, path) =>
    response
      .writeHead(status, { "cache-control": control, "content-length": BYTES })
      .end(path.padEnd(BYTES));
}

/** Asks for a picture, and waits until all that follows is done; the status of the answer. */
async function show(name: string): Promise<number> {
  const { request, event } = ask(`${origin.url}/image/${name}`);
  const { status } = await cache.answer({ request, event });
  await event.settled();
  return status;
}

/** What is kept, by principal. */
async function kept(principal: string | null): Promise<string[]> {
  const name = cacheNames.of(principal);
  if (!(await caches.has(name))) {
    return [];
  }
  const keys = await (await caches.open(name)).keys();
  return keys.map(({ url }) => url.slice(url.lastIndexOf("/") + 1)).sort();
}

async function recorded(): Promise<string[]> {
  return (await ledger.entries()).map(({ url }) => url.slice(url.lastIndexOf("/") + 1)).sort();
}

describe("what is kept", () => {
  it("is asked for once", async () => {
    expect([await show("a"), await show("a")]).toEqual([200, 200]);
    expect(origin.asked).toEqual(["/image/a"]);
    expect(await kept("anna")).toEqual(["a"]);
    expect(await recorded()).toEqual(["a"]);
  });

  it("is found whatever its signature", async () => {
    await show("a?expires=1&signature=x");
    await show("a?expires=2&signature=y");
    expect(origin.asked).toHaveLength(1);
  });

  it.each([
    [404, PRIVATE],
    [200, "private, max-age=0"],
    [200, "private, immutable, no-store"],
  ])("is no answer of %i with %s", async (status, control) => {
    answerWith(status, control);
    await show("a");
    expect(await kept("anna")).toEqual([]);
    expect(await recorded()).toEqual([]);
  });

  it("is nothing private as long as nobody is named", async () => {
    await cache.admit(null);
    await show("a");
    expect(await kept(null)).toEqual([]);
  });

  it("fits the budget: the least recently shown goes first", async () => {
    cache = opened(BYTES * 4);
    let now = 0;
    vi.spyOn(Date, "now").mockImplementation(() => {
      now += 1;
      return now;
    });
    for (const name of ["a", "b", "c", "d", "a", "e"]) {
      // biome-ignore lint/performance/noAwaitInLoops: one after the other
      await show(name);
    }
    expect(await kept("anna")).toEqual(["a", "c", "d", "e"]);
    expect(await recorded()).toEqual(["a", "c", "d", "e"]);
  });

  it("is no picture that would take more than its share of the budget", async () => {
    cache = opened(BYTES * 4 - 1);
    await show("a");
    expect(await kept("anna")).toEqual([]);
  });

  it("goes when the server says that the picture is gone, and nothing else", async () => {
    await Promise.all(["a", "a?w=256", "b"].map(show));
    answerWith(404, "no-store");
    await show("a?w=512");
    expect(await kept("anna")).toEqual(["b"]);
    expect(await recorded()).toEqual(["b"]);
  });

  it("goes altogether when the server knows the reader no more", async () => {
    await show("a");
    answerWith(401, "no-store");
    await show("b");
    expect(await caches.keys()).toEqual([cacheNames.of(null)]);
    expect(await recorded()).toEqual([]);
    expect(onForget).toHaveBeenCalledTimes(1);
  });

  it("is tidied: other versions, and bodies that the ledger does not know", async () => {
    await show("a");
    await caches.open("coatcheck-media-v0:everyone");
    await caches.open("another application's");
    const current = await caches.open(cacheNames.of("anna"));
    await current.put(`${origin.url}/image/stray`, new Response("x"));
    await cache.tidy();
    expect(await kept("anna")).toEqual(["a"]);
    expect((await caches.keys()).sort()).toEqual(["another application's", cacheNames.of("anna")]);
  });

  it("is shown on after it could not be tidied", async () => {
    await show("a");
    vi.spyOn(ledger, "entries").mockRejectedValueOnce(new Error("disk"));
    await expect(cache.tidy()).rejects.toThrow("disk");
    await show("a");
    expect(origin.asked).toHaveLength(1);
  });

  it("may be nothing where there is no cache: the picture still comes", async () => {
    vi.spyOn(caches, "keys").mockRejectedValue(new DOMException("no", "SecurityError"));
    cache = opened();
    await expect(cache.principal).rejects.toThrow("no");
    expect(await show("a")).toBe(200);
  });
});

describe("another reader", () => {
  it("finds nothing of the one before", async () => {
    await show("a");
    await cache.admit("bert");
    expect(await caches.keys()).toEqual([cacheNames.of("bert")]);
    expect(await recorded()).toEqual([]);
    expect(onForget).toHaveBeenCalledTimes(1);
    await show("a");
    expect(origin.asked).toHaveLength(2);
  });

  it("is let in when all else is deleted", async () => {
    onForget.mockImplementationOnce(async () => {
      expect(await caches.has(cacheNames.of("anna"))).toBe(false);
      expect(await caches.has(cacheNames.of("bert"))).toBe(false);
    });
    await cache.admit("bert");
    expect.assertions(2);
  });

  it("is not let in while something cannot be deleted", async () => {
    await show("a");
    onForget.mockRejectedValueOnce(new Error("disk"));
    await expect(cache.admit("bert")).rejects.toThrow("disk");
    await expect(cache.principal).rejects.toThrow("disk");
    expect(await caches.keys()).toEqual([]);
    await cache.admit("bert");
    expect(await cache.principal).toBe("bert");
  });

  it("changes nothing when it is the same one, but after a sign-out", async () => {
    await show("a");
    await cache.admit("anna");
    expect(await kept("anna")).toEqual(["a"]);
    expect(onForget).not.toHaveBeenCalled();
    await cache.admit("anna", { anew: true });
    expect(await kept("anna")).toEqual([]);
  });

  it("who comes while the cache is read is not shown what was found there", async () => {
    await show("a");
    const match = caches.match.bind(caches);
    vi.spyOn(caches, "match").mockImplementationOnce(async (...query) => {
      const found = await match(...query);
      expect(found).toBeDefined();
      await cache.admit("bert");
      return found;
    });
    await show("a");
    expect(origin.asked).toHaveLength(2);
    expect(await kept("anna")).toEqual([]);
    expect(await kept("bert")).toEqual([]);
  });

  it("who comes while it is tidied leaves no cache of the one before", async () => {
    await show("a");
    await Promise.all([cache.tidy(), cache.admit("bert")]);
    expect(await caches.keys()).toEqual([cacheNames.of("bert")]);
    expect(await cache.principal).toBe("bert");
  });

  it("who comes while the network answers is not given that answer to keep", async () => {
    const { answer } = origin;
    origin.answer = (...exchange) => {
      cache.admit("bert").then(() => answer(...exchange), expect.unreachable);
    };
    await show("a");
    expect(await caches.keys()).toEqual([cacheNames.of("bert")]);
    expect(await recorded()).toEqual([]);
  });

  it("who comes while an answer is written leaves no cache of the one before", async () => {
    const record = ledger.record.bind(ledger);
    vi.spyOn(ledger, "record").mockImplementationOnce(async (entry) => {
      await record(entry);
      await cache.admit("bert");
    });
    await show("a");
    expect(await caches.keys()).toEqual([cacheNames.of("bert")]);
    expect(await recorded()).toEqual([]);
  });
});

describe("the next worker", () => {
  it("knows the reader by the cache", async () => {
    await show("a");
    cache = opened();
    expect(await cache.principal).toBe("anna");
    await show("a");
    expect(origin.asked).toHaveLength(1);
  });

  it("trusts neither reader when a change was cut short", async () => {
    await show("a");
    await caches.open(cacheNames.of("bert"));
    cache = opened();
    expect(await cache.principal).toBeNull();
    expect(await caches.keys()).toEqual([cacheNames.of(null)]);
    expect(onForget).toHaveBeenCalledTimes(1);
  });
});
