/**
 * A service worker for pictures: `cacheMedia` is called in the worker, `registerMediaWorker` in the
 * page.
 *
 * @module coatcheck/worker
 */

export { type CacheMediaOptions, cacheMedia, type KeptReader } from "./cache-media.ts";
export { type MediaWorker, type MediaWorkerOptions, registerMediaWorker } from "./register.ts";
