/**
 * What the service worker may keep, and what has to go. Pure: no cache, no clock, no network.
 */

/** What of a request decides; a `Request` is one. */
export interface RequestFacts {
  readonly method: string;
  readonly url: string;
  readonly headers: Pick<Headers, "has">;
}

/** What of an answer decides; a `Response` is one. */
export interface ResponseFacts {
  readonly status: number;
  readonly type: ResponseType;
  readonly redirected: boolean;
  readonly headers: Pick<Headers, "get" | "has">;
}

/** Where media is served, and which of it this worker looks after. */
export interface MediaScope {
  /** The worker's own origin. */
  readonly origin: string;
  /** The path that media lies under, with its last slash. */
  readonly path: string;
}

/** One kept answer, as the ledger has it. */
export interface Entry {
  /** The cache key: an absolute URL without its signature. */
  readonly url: string;
  /** Bytes of the body. */
  readonly size: number;
  /** When it was last shown, in milliseconds; only the order counts. */
  readonly used: number;
}

/**
 * Whether a request asks for a picture that the cache may answer: a plain GET of the whole. A part is
 * left to the network, and so is a download, which would keep the same bytes a second time.
 */
export function isMediaRequest(
  { method, url, headers }: RequestFacts,
  { origin, path }: MediaScope,
): boolean {
  const { origin: asked, pathname, searchParams } = new URL(url);
  return (
    method === "GET" &&
    asked === origin &&
    pathname.startsWith(path) &&
    !headers.has("range") &&
    searchParams.get("download") !== "true"
  );
}

/**
 * Whether an answer may be kept for `principal`; null is an anonymous reader.
 *
 * Only a complete 200 of the same origin that the server calls immutable. `private` ones only when
 * the page has named the reader: without a name they could be another reader's.
 */
export function isKeepable(response: ResponseFacts, principal: string | null): boolean {
  const { status, type, redirected, headers } = response;
  const control = cacheDirectives(headers.get("cache-control"));
  return (
    status === 200 &&
    type === "basic" &&
    !redirected &&
    !headers.has("content-range") &&
    control.has("immutable") &&
    !control.has("no-store") &&
    (principal !== null || !control.has("private")) &&
    listed(headers.get("vary")).every((name) => MATCHED_BY_CACHE.has(name))
  );
}

/**
 * The URL that an answer is kept under: the path, and what chooses a rendition, in one order. A signature
 * is minted anew on each visit, and what the server passes over would keep the same bytes again.
 */
export function cacheKey(url: string): string {
  const { origin, pathname, searchParams } = new URL(url);
  const key = new URL(pathname, origin);
  for (const name of CHOOSING) {
    for (const value of searchParams.getAll(name)) {
      key.searchParams.append(name, value);
    }
  }
  return key.href;
}

/** The media that a URL below the scope's path is about; null when it names none. */
export function mediaIdOf(url: string, { origin, path }: MediaScope): string | null {
  const { origin: asked, pathname } = new URL(url);
  if (asked !== origin || !pathname.startsWith(path)) {
    return null;
  }
  const id = pathname.slice(path.length).split("/")[0] ?? "";
  return id === "" ? null : id;
}

/**
 * Bytes of a body by its headers; null when only reading it would tell: there is no length, or it is
 * the length of something compressed.
 */
export function declaredSize(headers: Pick<Headers, "get">): number | null {
  const length = headers.get("content-length");
  const isPlain = listed(headers.get("content-encoding")).every((name) => name === "identity");
  return isPlain && length !== null && DIGITS.test(length) ? Number(length) : null;
}

/**
 * The most that one answer may take of the budget: a quarter, or a single poster would put out every
 * picture of a conversation.
 */
export function fitsBudget(size: number, budget: number): boolean {
  return size <= budget / 4;
}

/** The entries to put out, least recently used first, until the rest fits the budget in bytes. */
export function chooseEvictions(entries: readonly Entry[], budget: number): Entry[] {
  let total = entries.reduce((sum, { size }) => sum + size, 0);
  const evicted: Entry[] = [];
  for (const entry of [...entries].sort((a, b) => a.used - b.used)) {
    if (total <= budget) {
      break;
    }
    total -= entry.size;
    evicted.push(entry);
  }
  return evicted;
}

/** What an answer that is no picture says about those that are kept. */
export function verdictOf(status: number): "keep" | "drop-media" | "drop-all" {
  switch (status) {
    // The reader has signed out, whatever the page last said.
    case 401:
      return "drop-all";
    // This one is not, or no longer, for this reader; or it was deleted.
    case 403:
    case 404:
    case 410:
      return "drop-media";
    default:
      return "keep";
  }
}

/** Names of caches: one holds what one principal has seen, in the layout of one version. */
export const cacheNames = {
  of(principal: string | null): string {
    return principal === null
      ? `${CURRENT}everyone`
      : `${CURRENT}principal:${encodeURIComponent(principal)}`;
  },

  /** Whether this worker, or an older one, made the cache. */
  isOurs(name: string): boolean {
    return name.startsWith(PREFIX);
  },

  /** The principal of a current cache; undefined for every other name. */
  principalOf(name: string): string | null | undefined {
    if (name === `${CURRENT}everyone`) {
      return null;
    }
    const marker = `${CURRENT}principal:`;
    return name.startsWith(marker) ? decodeURIComponent(name.slice(marker.length)) : undefined;
  },
};

/**
 * Whose answers are kept, by the caches that exist. Two current ones mean that a change of principal
 * was cut short: neither is trusted.
 */
export function principalAmong(names: readonly string[]): string | null | undefined {
  const principals = names
    .map((name) => cacheNames.principalOf(name))
    .filter((principal) => principal !== undefined);
  return principals.length === 1 ? principals[0] : undefined;
}

function cacheDirectives(header: string | null): ReadonlySet<string> {
  return new Set(listed(header).map((directive) => directive.split("=")[0]?.trim() ?? ""));
}

function listed(header: string | null): string[] {
  return (header ?? "")
    .toLowerCase()
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

const PREFIX = "coatcheck-media-";
/** Raised when what is kept, or how, changes; the caches of other versions are deleted. */
const CURRENT = `${PREFIX}v2:`;
/**
 * The parameters that an answer's bytes depend on. Who may read it, which a signature says, is the
 * principal's matter.
 */
const CHOOSING = ["thumbnail", "w", "format"] as const;
/**
 * What the Cache API compares by itself. `Cookie`, for one, a worker never gets to see. A GET of the own
 * origin has no `Origin`; servers that share media with other origins name it in `Vary`.
 */
const MATCHED_BY_CACHE: ReadonlySet<string> = new Set(["accept", "accept-encoding", "origin"]);
const DIGITS = /^\d{1,15}$/u;
