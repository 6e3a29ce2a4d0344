import { describe, expect, it } from "vitest";
import {
  cacheKey,
  cacheNames,
  chooseEvictions,
  declaredSize,
  fitsBudget,
  isKeepable,
  isMediaRequest,
  mediaIdOf,
  principalAmong,
  type ResponseFacts,
  verdictOf,
} from "../src/worker/policy.ts";

const scope = { origin: "https://a.example", path: "/api/media/image/" };
const picture = "https://a.example/api/media/image/9188cc90";

function request(url: string, method = "GET", headers: Record<string, string> = {}) {
  return isMediaRequest({ url, method, headers: new Headers(headers) }, scope);
}

function answer(headers: Record<string, string>, rest: Partial<ResponseFacts> = {}): ResponseFacts {
  return { status: 200, type: "basic", redirected: false, headers: new Headers(headers), ...rest };
}

const FOREVER = { "cache-control": "public, max-age=31536000, immutable" };
const PRIVATE = { "cache-control": "private, max-age=31536000, immutable" };

describe("which requests the cache may answer", () => {
  it.each([picture, `${picture}?thumbnail=true`, `${picture}?w=512&format=webp`])(
    "takes %s",
    (url) => {
      expect(request(url)).toBe(true);
    },
  );

  it.each([
    ["another origin", "https://b.example/api/media/image/9188cc90"],
    ["another path", "https://a.example/api/media/9188cc90"],
    ["a path that only begins alike", "https://a.example/api/media/images/x"],
    ["a download", `${picture}?download=true`],
  ])("leaves %s to the network", (_, url) => {
    expect(request(url)).toBe(false);
  });

  it("leaves ranges and other methods to the network", () => {
    expect(request(picture, "GET", { range: "bytes=0-99" })).toBe(false);
    expect(request(picture, "HEAD")).toBe(false);
    expect(request(picture, "DELETE")).toBe(false);
  });
});

describe("which answers may be kept", () => {
  it("keeps what never changes, for anyone", () => {
    expect(isKeepable(answer(FOREVER), null)).toBe(true);
    expect(isKeepable(answer({ ...FOREVER, vary: "Accept" }), null)).toBe(true);
    expect(isKeepable(answer({ ...FOREVER, vary: "Accept, Origin" }), null)).toBe(true);
  });

  it("keeps what is private for a named reader only", () => {
    expect(isKeepable(answer(PRIVATE), null)).toBe(false);
    expect(isKeepable(answer(PRIVATE), "ada")).toBe(true);
  });

  it.each([
    ["an error", answer(FOREVER, { status: 404 })],
    ["a part", answer(FOREVER, { status: 206 })],
    ["a part that says 200", answer({ ...FOREVER, "content-range": "bytes 0-1/9" })],
    ["no news", answer(FOREVER, { status: 304 })],
    ["an answer that it cannot look into", answer(FOREVER, { status: 0, type: "opaque" })],
    ["another origin's", answer(FOREVER, { type: "cors" })],
    ["a redirect's", answer(FOREVER, { redirected: true })],
    ["what may change", answer({ "cache-control": "public, max-age=31536000" })],
    ["what says nothing", answer({})],
    ["what must not be stored", answer({ "cache-control": "immutable, no-store" })],
    ["what depends on a cookie", answer({ ...FOREVER, vary: "Accept, Cookie" })],
    ["what depends on anything", answer({ ...FOREVER, vary: "*" })],
  ])("does not keep %s", (_, response) => {
    expect(isKeepable(response, "ada")).toBe(false);
  });

  it("reads Cache-Control as HTTP does: any case, any space, values aside", () => {
    const odd = answer({ "cache-control": 'PUBLIC ,Max-Age=9,\tIMMUTABLE, ext="x"' });
    expect(isKeepable(odd, null)).toBe(true);
    expect(isKeepable(answer({ "cache-control": "x-immutable" }), null)).toBe(false);
  });
});

describe("under which key", () => {
  it("drops the signature, which is another one on each visit, and nothing else", () => {
    expect(cacheKey(`${picture}?w=512&expires=1&signature=ab#x`)).toBe(`${picture}?w=512`);
    expect(cacheKey(`${picture}?thumbnail=true`)).toBe(`${picture}?thumbnail=true`);
    expect(cacheKey(picture)).not.toBe(cacheKey(`${picture}?thumbnail=true`));
  });

  it("is the same whatever else the query says, and in whichever order", () => {
    const key = `${picture}?w=512&format=png`;
    expect(cacheKey(`${picture}?utm=1&format=png&w=512&v=2`)).toBe(key);
    expect(cacheKey(`${picture}?buster=1`)).toBe(picture);
    expect(cacheKey(`${picture}?W=512`)).toBe(picture);
    expect(cacheKey(`${picture}?w=512&w=1024`)).not.toBe(cacheKey(`${picture}?w=512`));
  });

  it("tells which media a URL is about", () => {
    expect(mediaIdOf(`${picture}?w=512`, scope)).toBe("9188cc90");
    expect(mediaIdOf("https://a.example/api/media/image/", scope)).toBeNull();
    expect(mediaIdOf("https://b.example/api/media/image/9188cc90", scope)).toBeNull();
  });
});

describe("the budget", () => {
  it("counts bytes by their header, unless that counts something else", () => {
    expect(declaredSize(new Headers({ "content-length": "1843322" }))).toBe(1_843_322);
    expect(
      declaredSize(new Headers({ "content-length": "9", "content-encoding": "gzip" })),
    ).toBeNull();
    expect(declaredSize(new Headers())).toBeNull();
    expect(declaredSize(new Headers({ "content-length": "-1" }))).toBeNull();
  });

  it("puts out the least recently used, no more than it must", () => {
    const entries = [
      { url: "new", size: 40, used: 3 },
      { url: "old", size: 40, used: 1 },
      { url: "middle", size: 40, used: 2 },
    ];
    expect(chooseEvictions(entries, 120)).toEqual([]);
    expect(chooseEvictions(entries, 119).map(({ url }) => url)).toEqual(["old"]);
    expect(chooseEvictions(entries, 50).map(({ url }) => url)).toEqual(["old", "middle"]);
    expect(chooseEvictions(entries, 0)).toHaveLength(3);
    expect(chooseEvictions([], 0)).toEqual([]);
  });

  it("counts bytes, not entries: many small ones stay where one large would not", () => {
    const small = Array.from({ length: 1000 }, (_, used) => ({ url: `${used}`, size: 10, used }));
    expect(chooseEvictions(small, 10_000)).toEqual([]);
  });

  it("gives no single picture more than a quarter", () => {
    expect(fitsBudget(25, 100)).toBe(true);
    expect(fitsBudget(26, 100)).toBe(false);
  });
});

describe("whose answers they are", () => {
  it("finds the principal by the cache that exists", () => {
    const ada = cacheNames.of("ada:lovelace/1");
    expect(cacheNames.principalOf(ada)).toBe("ada:lovelace/1");
    expect(principalAmong(["other", ada])).toBe("ada:lovelace/1");
    expect(principalAmong([cacheNames.of(null)])).toBeNull();
  });

  it("trusts neither of two, and none of another version", () => {
    expect(principalAmong([cacheNames.of("ada"), cacheNames.of("bob")])).toBeUndefined();
    expect(principalAmong([])).toBeUndefined();
    expect(principalAmong(["coatcheck-media-v0:principal:ada"])).toBeUndefined();
    expect(cacheNames.isOurs("coatcheck-media-v0:principal:ada")).toBe(true);
    expect(cacheNames.isOurs("workbox-precache")).toBe(false);
  });

  it("does not take a principal's name for nobody's cache", () => {
    expect(cacheNames.of("everyone")).not.toBe(cacheNames.of(null));
  });

  it.each([
    [401, "drop-all"],
    [403, "drop-media"],
    [404, "drop-media"],
    [410, "drop-media"],
    [200, "keep"],
    [429, "keep"],
    [500, "keep"],
    [503, "keep"],
  ] as const)("takes %i for %s", (status, verdict) => {
    expect(verdictOf(status)).toBe(verdict);
  });
});
