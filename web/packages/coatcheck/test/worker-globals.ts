import "fake-indexeddb/auto";
import process from "node:process";
import { caches, fetch, Request, Response } from "undici";

/** A worker's event: it lives until all that it waits for is settled. */
export class WorkerEvent {
  readonly #awaited: Promise<unknown>[] = [];

  waitUntil(promise: Promise<unknown>): void {
    this.#awaited.push(promise.catch(() => undefined));
  }

  async settled(): Promise<void> {
    while (this.#awaited.length > 0) {
      // biome-ignore lint/performance/noAwaitInLoops: what is awaited may wait for more
      await Promise.all(this.#awaited.splice(0));
    }
  }
}

// As the shipped worker has it: Workbox checks and logs nothing.
process.env["NODE_ENV"] = "production";

// What a service worker finds; Node.js keeps its own Cache API to itself. To be imported first, as it
// is: Workbox looks for `self` as it loads.
const globals: Readonly<Record<string, unknown>> = {
  self: globalThis,
  caches,
  fetch,
  ["Request"]: Request,
  ["Response"]: Response,
  ["FetchEvent"]: WorkerEvent,
};
Object.assign(globalThis, globals);
