import type { KeptReader } from "coatcheck/worker";

/** A request that the worker answers, and the event that keeps the worker alive meanwhile. */
interface Asked {
  readonly request: Request;
  readonly event: { waitUntil(promise: Promise<unknown>): void };
}

/** The header by which the server names the visitor whose answer it is. */
export const PRINCIPAL_HEADER = "coatcheck-principal";

/**
 * The page, its lists and conversations, as their reader saw them last.
 *
 * The network always comes first; what is kept is shown only where it fails. Each answer of the server
 * names its visitor: once another's has come, nothing of the one before is left.
 */
export class PageCache {
  readonly #reader: KeptReader;

  constructor(reader: KeptReader) {
    this.#reader = reader;
  }

  /** Answers a navigation. What is kept is the page without its visitor's cookies. */
  async open({ request, event }: Asked): Promise<Response> {
    const shell = shellOf(request.url);
    return await this.#askFirst(request, shell, (response, principal) => {
      if (response.ok) {
        event.waitUntil(fetch(shell).then((page) => this.#keep(shell, page, principal)));
      }
    });
  }

  /** Answers a request for a list or a conversation. */
  async answer({ request, event }: Asked): Promise<Response> {
    return await this.#askFirst(request, request.url, (response, principal) => {
      if (response.headers.get(PRINCIPAL_HEADER) === principal) {
        event.waitUntil(this.#keep(request.url, response.clone(), principal));
      } else if (GONE.has(response.status)) {
        event.waitUntil(this.#drop(request.url, principal));
      }
    });
  }

  async #askFirst(
    request: Request,
    key: string,
    onAnswer: (response: Response, principal: string) => void,
  ): Promise<Response> {
    const reader = await this.#current();
    let response: Response;
    try {
      response = await fetch(request);
    } catch (error) {
      const kept = await this.#find(key, reader);
      if (kept === undefined) {
        throw error;
      }
      return kept;
    }
    // Before the answer is passed on: what the page asks for next is for the visitor it names.
    await this.#heed(response, reader);
    const principal = await this.#current();
    if (principal !== null) {
      onAnswer(response, principal);
    }
    return response;
  }

  /** Lets the visitor in whom an answer names, unless the reader changed while it was asked for. */
  async #heed({ status, headers }: Response, reader: string | null): Promise<void> {
    const named = status === UNAUTHORIZED ? null : (headers.get(PRINCIPAL_HEADER) ?? reader);
    if (named !== reader && (await this.#current()) === reader) {
      // A failure leaves the reader unknown: nothing is kept or shown until a change succeeds.
      await this.#reader.admit(named).catch(() => undefined);
    }
  }

  async #find(key: string, reader: string | null): Promise<Response | undefined> {
    if (reader === null) {
      return undefined;
    }
    const kept = await (await caches.open(nameOf(reader))).match(key);
    // A change of reader while the cache was read: what was found is another's.
    return (await this.#current()) === reader ? kept : undefined;
  }

  async #keep(key: string, response: Response, principal: string): Promise<void> {
    if (!isKeepable(response)) {
      return;
    }
    const cache = await caches.open(nameOf(principal));
    await cache.put(key, response);
    if ((await this.#current()) !== principal) {
      // The write made the other reader's cache anew, after it had been deleted.
      await caches.delete(nameOf(principal));
    }
  }

  async #drop(key: string, principal: string): Promise<void> {
    if (await caches.has(nameOf(principal))) {
      await (await caches.open(nameOf(principal))).delete(key);
    }
  }

  async #current(): Promise<string | null> {
    return await this.#reader.current().catch(() => null);
  }
}

/** Deletes what was kept of the page for any reader, by any version of the worker. */
export async function forgetPages(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX)).map((name) => caches.delete(name)),
  );
}

function isKeepable({ status, type, redirected, headers }: Response): boolean {
  return (
    status === 200 &&
    type === "basic" &&
    !redirected &&
    !NO_STORE.test(headers.get("cache-control") ?? "")
  );
}

function nameOf(principal: string): string {
  return `${PREFIX}v2:${encodeURIComponent(principal)}`;
}

/** One page answers for every conversation, and for all pictures. */
function shellOf(url: string): string {
  return new URL(url).pathname.startsWith("/components") ? "/components" : "/shell";
}

const PREFIX = "coatcheck-page-";
const UNAUTHORIZED = 401;
const GONE: ReadonlySet<number> = new Set([403, 404, 410]);
const NO_STORE = /(?:^|,)\s*no-store\s*(?:$|[,=])/iu;
