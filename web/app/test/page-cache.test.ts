import "../../packages/coatcheck/test/worker-globals.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Ledger } from "../../packages/coatcheck/src/worker/ledger.ts";
import { MediaCache } from "../../packages/coatcheck/src/worker/media-cache.ts";
import { ask, emptyCaches, Origin } from "../../packages/coatcheck/test/origin.ts";
import { forgetPages, PageCache } from "../src/offline/page-cache.ts";

const LIST = "/api/conversations";
const KEEPABLE = "private, max-age=0";

const origin = new Origin();
let media: MediaCache;
let pages: PageCache;

interface Answer {
  /** Who the server takes the browser for; null for an unknown one. */
  visitor: string | null;
  control: string;
  status: number;
}

/** What the server says of every list and conversation, and of the page. */
let given: Answer;

beforeAll(() => origin.start());
afterAll(() => origin.stop());
beforeEach(async () => {
  await emptyCaches();
  origin.asked.length = 0;
  origin.answer = (response, path) => {
    const isShell = path === "/shell" || path === "/components";
    const { visitor, control, status } = given;
    const named = visitor === null || isShell ? {} : { "coatcheck-principal": visitor };
    response
      .writeHead(isShell ? 200 : status, {
        "cache-control": isShell ? "no-cache" : control,
        ...named,
      })
      .end(isShell ? path : `${visitor} at ${path}`);
  };
  given = { visitor: "anna", control: KEEPABLE, status: 200 };
  const scope = { origin: origin.url, path: "/api/media/image/" };
  media = new MediaCache({ scope, budget: 1000, ledger: new Ledger(), onForget: forgetPages });
  pages = new PageCache({
    current: () => media.principal,
    admit: (principal) => media.admit(principal),
  });
  await media.admit("anna");
});

/** The network fails from now on. */
function goOffline(): void {
  vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("fetch failed"));
}

/** The text of the answer; what is kept of it is kept then. */
async function read(path = LIST): Promise<string> {
  const { request, event } = ask(`${origin.url}${path}`);
  const response = await pages.answer({ request, event });
  const text = await response.text();
  await event.settled();
  return text;
}

async function open(path = "/"): Promise<string> {
  const { request, event } = ask(`${origin.url}${path}`);
  const response = await pages.open({ request, event });
  const text = await response.text();
  await event.settled();
  return text;
}

describe("without a network", () => {
  it("what was read is read again, and nothing else", async () => {
    await read();
    goOffline();
    expect(await read()).toBe(`anna at ${LIST}`);
    await expect(read(`${LIST}/c1/messages`)).rejects.toThrow("fetch failed");
  });

  it("the page opens at any address, without what was its visitor's", async () => {
    expect(await open("/c/c1")).toBe("anna at /c/c1");
    await open("/components");
    goOffline();
    expect(await open("/pictures")).toBe("/shell");
    expect(await open("/components")).toBe("/components");
  });

  it.each([
    ["says no-store", { control: "private, no-store" }],
    ["says No-Store among others", { control: "max-age=9,NO-STORE , private" }],
    ["names nobody", { visitor: null }],
    ["is an error", { status: 500 }],
    ["is a part", { status: 206 }],
  ])("nothing is shown of an answer that %s", async (_, answer) => {
    Object.assign(given, answer);
    await read();
    goOffline();
    await expect(read()).rejects.toThrow("fetch failed");
  });

  it("nothing is shown of what has gone meanwhile", async () => {
    await read();
    origin.answer = (response) => response.writeHead(404, { "cache-control": "no-store" }).end();
    await read();
    goOffline();
    await expect(read()).rejects.toThrow("fetch failed");
  });

  it("nothing is shown where the reader is unknown", async () => {
    await read();
    vi.spyOn(media, "principal", "get").mockRejectedValue(new Error("no cache"));
    goOffline();
    await expect(read()).rejects.toThrow("fetch failed");
  });
});

describe("with a network", () => {
  it.each([200, 404, 500, 503])("the server's answer is shown, be it %i", async (answered) => {
    await read();
    origin.answer = (response) => response.writeHead(answered).end("new");
    expect(await read()).toBe("new");
  });

  it("the page comes with its own headers, and the shell is asked for beside it", async () => {
    await open("/c/c1");
    expect(origin.asked).toEqual(["/c/c1", "/shell"]);
  });
});

describe("another visitor", () => {
  it("whom the page's answer names finds nothing of the one before", async () => {
    await read();
    given.visitor = "bert";
    await open();
    expect(await media.principal).toBe("bert");
    goOffline();
    await expect(read()).rejects.toThrow("fetch failed");
    expect(await open()).toBe("/shell");
  });

  it("whom a list names is let in before the list is passed on", async () => {
    await read();
    given.visitor = "bert";
    const { request, event } = ask(`${origin.url}${LIST}`);
    const response = await pages.answer({ request, event });
    expect(await media.principal).toBe("bert");
    await response.text();
    await event.settled();
    goOffline();
    expect(await read()).toBe(`bert at ${LIST}`);
  });

  it("does not come back with an answer that the one before had asked for", async () => {
    const { answer } = origin;
    origin.answer = (...exchange) => {
      media.admit("bert").then(() => answer(...exchange), expect.unreachable);
    };
    expect(await read()).toBe(`anna at ${LIST}`);
    expect(await media.principal).toBe("bert");
    goOffline();
    await expect(read()).rejects.toThrow("fetch failed");
  });

  it("who comes while the cache is read is not shown what was found there", async () => {
    await read();
    goOffline();
    const opened = caches.open.bind(caches);
    vi.spyOn(caches, "open").mockImplementationOnce(async (name) => {
      const cache = await opened(name);
      const match = cache.match.bind(cache);
      vi.spyOn(cache, "match").mockImplementationOnce(async (...query) => {
        const found = await match(...query);
        expect(found).toBeDefined();
        await media.admit("bert");
        return found;
      });
      return cache;
    });
    await expect(read()).rejects.toThrow("fetch failed");
    expect.assertions(2);
  });

  it("who comes while an answer is written leaves no cache of the one before", async () => {
    const opened = caches.open.bind(caches);
    vi.spyOn(caches, "open").mockImplementationOnce(async (name) => {
      await media.admit("bert");
      return await opened(name);
    });
    await read();
    expect((await caches.keys()).filter((name) => name.includes("anna"))).toEqual([]);
  });

  it("is nobody after the server said that it knows none", async () => {
    await read();
    Object.assign(given, { visitor: null, status: 401 });
    await read();
    expect(await media.principal).toBeNull();
    expect((await caches.keys()).filter((name) => name.includes("anna"))).toEqual([]);
  });

  it("is not let in while something cannot be deleted, and gets the server's answer", async () => {
    await read();
    given.visitor = "bert";
    vi.spyOn(caches, "delete").mockRejectedValueOnce(new Error("disk"));
    expect(await read()).toBe(`bert at ${LIST}`);
    await expect(media.principal).rejects.toThrow("disk");
    goOffline();
    await expect(read()).rejects.toThrow("fetch failed");
  });
});

it("what an older worker kept goes with the rest", async () => {
  await caches.open("coatcheck-page-v1");
  await media.admit("bert");
  expect(await caches.has("coatcheck-page-v1")).toBe(false);
});
