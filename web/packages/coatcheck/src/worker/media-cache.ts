import { CacheFirst } from "workbox-strategies";
import type { Ledger } from "./ledger.ts";
import {
  cacheKey,
  cacheNames,
  chooseEvictions,
  declaredSize,
  fitsBudget,
  isKeepable,
  type MediaScope,
  mediaIdOf,
  principalAmong,
  verdictOf,
} from "./policy.ts";

/** The request, and the event that it came with. */
type HandlerOptions = Extract<Parameters<CacheFirst["handle"]>[0], { readonly request: unknown }>;

/** What a {@link MediaCache} is made of. */
export interface MediaCacheOptions {
  readonly scope: MediaScope;
  /** Bytes to keep. */
  readonly budget: number;
  readonly ledger: Ledger;
  /** Called when everything of a principal is deleted: deletes what else is kept of them. */
  readonly onForget?: (() => Promise<void>) | undefined;
}

/** What one principal has seen, within a budget of bytes. Only one principal's answers ever exist. */
export class MediaCache {
  readonly #scope: MediaScope;
  readonly #budget: number;
  readonly #ledger: Ledger;
  readonly #onForget: () => Promise<void>;
  /** A worker is stopped and started at the browser's will; which cache exists is its memory. */
  #principal: Promise<string | null>;

  constructor({ scope, budget, ledger, onForget = async () => undefined }: MediaCacheOptions) {
    this.#scope = scope;
    this.#budget = budget;
    this.#ledger = ledger;
    this.#onForget = onForget;
    this.#principal = this.#recall();
  }

  /** Whose answers are kept; null for an anonymous reader. Rejects where no cache can be had. */
  get principal(): Promise<string | null> {
    return this.#principal;
  }

  /** The answer from the cache, else from the network, kept if it may be. */
  async answer(options: HandlerOptions): Promise<Response> {
    const principal = await this.#principal.catch(() => undefined);
    return principal === undefined
      ? await fetch(options.request) // No cache can be had; the picture still can.
      : await this.#strategyFor(principal).handle(options);
  }

  /**
   * Lets only `principal` have what is kept from now on; what was kept for another is deleted.
   *
   * @param anew deletes what was kept for this principal too, as after a sign-out.
   */
  async admit(principal: string | null, { anew = false } = {}): Promise<void> {
    this.#principal = this.#principal
      .catch(() => undefined)
      .then((current) => (current === principal && !anew ? current : this.#startOver(principal)));
    await this.#principal;
  }

  /** Forgets every rendition of one picture. */
  async forget(mediaId: string): Promise<void> {
    const urls = (await this.#ledger.entries()).map(({ url }) => url);
    await this.#evict(urls.filter((url) => mediaIdOf(url, this.#scope) === mediaId));
  }

  /** Deletes caches of other versions, and bodies that the ledger does not know. */
  async tidy(): Promise<void> {
    const principal = this.#principal;
    const tidied = principal.then((current) => this.#tidyFor(current));
    // A change of principal waits for it, or one would open a cache that the other has deleted.
    this.#principal = tidied.then(
      () => principal,
      () => principal,
    );
    await tidied;
  }

  #strategyFor(principal: string | null): CacheFirst {
    return new CacheFirst({
      cacheName: cacheNames.of(principal),
      plugins: [
        {
          // With its headers: a negotiated answer varies by one of them.
          cacheKeyWillBeUsed: async ({ request: { url, headers } }) =>
            new Request(cacheKey(url), { headers }),
          cachedResponseWillBeUsed: async ({ request, cachedResponse, event }) => {
            // A change of principal while the cache was read: what was found is another's.
            if (cachedResponse === undefined || (await this.#principal) !== principal) {
              return null;
            }
            event.waitUntil(this.#ledger.touch(cacheKey(request.url), Date.now()));
            return cachedResponse;
          },
          fetchDidSucceed: async ({ request, response }) => {
            await this.#heed(request.url, response.status);
            return response;
          },
          cacheWillUpdate: async ({ request, response }) =>
            await this.#enter(request.url, response, principal),
          cacheDidUpdate: async () => await this.#settle(principal),
        },
      ],
    });
  }

  async #heed(url: string, status: number): Promise<void> {
    switch (verdictOf(status)) {
      case "drop-all":
        await this.admit(null, { anew: true });
        break;
      case "drop-media":
        await this.forget(mediaIdOf(url, this.#scope) ?? "");
        break;
      case "keep":
        break;
    }
  }

  /** The answer, entered in the ledger, if it may be kept; else null. */
  async #enter(
    url: string,
    response: Response,
    principal: string | null,
  ): Promise<Response | null> {
    if (!isKeepable(response, principal) || (await this.#principal) !== principal) {
      return null;
    }
    const size = declaredSize(response.headers) ?? (await response.clone().blob()).size;
    if (!fitsBudget(size, this.#budget)) {
      return null;
    }
    // Before the body: one that the ledger does not know would never be put out.
    await this.#ledger.record({ url: cacheKey(url), size, used: Date.now() });
    return response;
  }

  async #settle(principal: string | null): Promise<void> {
    if ((await this.#principal) !== principal) {
      // The write made the other principal's cache anew, after it had been deleted.
      await caches.delete(cacheNames.of(principal));
      return;
    }
    const evicted = chooseEvictions(await this.#ledger.entries(), this.#budget);
    await this.#evict(evicted.map(({ url }) => url));
  }

  async #evict(urls: readonly string[]): Promise<void> {
    const cache = await caches.open(cacheNames.of(await this.#principal));
    await Promise.all(urls.map((url) => cache.delete(url, { ignoreVary: true })));
    await this.#ledger.remove(urls);
  }

  async #tidyFor(principal: string | null): Promise<void> {
    await deleteCaches((name) => name !== cacheNames.of(principal));
    const known = new Set((await this.#ledger.entries()).map(({ url }) => url));
    const cache = await caches.open(cacheNames.of(principal));
    const unknown = (await cache.keys()).filter(({ url }) => !known.has(url));
    await Promise.all(unknown.map(({ url }) => cache.delete(url, { ignoreVary: true })));
  }

  async #recall(): Promise<string | null> {
    const principal = principalAmong(await caches.keys());
    return principal === undefined ? await this.#startOver(null) : principal;
  }

  async #startOver(principal: string | null): Promise<string | null> {
    await deleteCaches(() => true);
    await this.#ledger.clear();
    await this.#onForget();
    // Last: without it a worker that starts anew deletes everything once more.
    await caches.open(cacheNames.of(principal));
    return principal;
  }
}

async function deleteCaches(isUnwanted: (name: string) => boolean): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names
      .filter((name) => cacheNames.isOurs(name) && isUnwanted(name))
      .map((name) => caches.delete(name)),
  );
}
