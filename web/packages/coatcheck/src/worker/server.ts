/**
 * What a server that renders pages gets for `coatcheck/worker`. It imports what its pages import, and the
 * library behind `cacheMedia` cannot be loaded without a browser's globals.
 */

import type { CacheMediaOptions } from "./cache-media.ts";

export { registerMediaWorker } from "./register.ts";

/**
 * The name that pages know, so that an import finds it.
 *
 * @throws Error always: a server is no service worker.
 */
export function cacheMedia(_options?: CacheMediaOptions): never {
  throw new Error("cacheMedia is called in a service worker; this is a server.");
}
