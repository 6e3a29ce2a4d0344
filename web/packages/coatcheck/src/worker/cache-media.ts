import { registerRoute } from "workbox-routing";
import { Ledger } from "./ledger.ts";
import { MediaCache } from "./media-cache.ts";
import { DONE, type MediaWorkerMessage, parseMessage } from "./messages.ts";
import { isMediaRequest, type MediaScope, mediaIdOf } from "./policy.ts";
import type { WorkerScope } from "./worker-scope.ts";

/** Options of {@link cacheMedia}. */
export interface CacheMediaOptions {
  /** Bytes to keep; the least recently shown go first. 256 MB by default. */
  readonly budget?: number;
  /** The path that pictures are served under, with its last slash. */
  readonly imagePath?: string;
  /** The path whose DELETE removes one, with its last slash. */
  readonly mediaPath?: string;
  /**
   * Called before another reader is let in, and after a sign-out: deletes what the application's worker
   * keeps of its reader besides pictures.
   */
  readonly onForget?: () => Promise<void>;
}

/** For whom the worker keeps answers. */
export interface KeptReader {
  /** The reader's name; null for an anonymous one. Rejects where no cache can be had. */
  readonly current: () => Promise<string | null>;
  /** Lets only this reader have what is kept from now on; what was kept for another is deleted. */
  readonly admit: (principal: string | null) => Promise<void>;
}

/**
 * Called in a service worker, as it starts: answers requests for pictures from a cache that holds only
 * what never changes, for the one reader that the page has named.
 *
 * @param options - How much is kept, and which paths are pictures.
 * @returns the reader, for an application's worker that keeps more than pictures.
 */
export function cacheMedia({
  budget = 256_000_000,
  imagePath = "/api/media/image/",
  mediaPath = "/api/media/",
  onForget,
}: CacheMediaOptions = {}): KeptReader {
  const worker = globalThis as unknown as WorkerScope;
  const { origin } = worker.location;
  const images: MediaScope = { origin, path: imagePath };
  const media: MediaScope = { origin, path: mediaPath };
  const cache = new MediaCache({ scope: images, budget, ledger: new Ledger(), onForget });

  registerRoute(
    ({ request }) => isMediaRequest(request, images),
    (options) => cache.answer(options),
  );
  registerRoute(
    ({ request }) => mediaIdOf(request.url, media) !== null,
    async ({ request }) => {
      const response = await fetch(request);
      const id = mediaIdOf(request.url, media);
      if (response.ok && id !== null) {
        await cache.forget(id);
      }
      return response;
    },
    "DELETE",
  );
  worker.addEventListener("activate", (event) => {
    event.waitUntil(cache.tidy().then(() => worker.clients.claim()));
  });
  worker.addEventListener("message", (event) => {
    const message = parseMessage(event.data);
    if (message !== null) {
      event.waitUntil(
        // The page may wait for it: after a sign-out, before it shows anything to the next reader.
        heed(message, cache, worker).then(() => event.ports[0]?.postMessage(DONE)),
      );
    }
  });
  return { current: () => cache.principal, admit: (principal) => cache.admit(principal) };
}

async function heed(
  message: MediaWorkerMessage,
  cache: MediaCache,
  worker: WorkerScope,
): Promise<void> {
  switch (message.type) {
    case "coatcheck-principal":
      return await cache.admit(message.principal);
    case "coatcheck-sign-out":
      return await cache.admit(null, { anew: true });
    case "coatcheck-update":
      return await worker.skipWaiting();
  }
}
