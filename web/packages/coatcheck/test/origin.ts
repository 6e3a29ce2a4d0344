import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setGlobalOrigin } from "undici";
import { WorkerEvent } from "./worker-globals.ts";

/** A server whose answers the test gives. */
export class Origin {
  /** The paths of the requests so far. */
  readonly asked: string[] = [];
  /** Answers a request. */
  answer: (response: ServerResponse, path: string) => void = (response) => response.end();
  readonly #server = createServer(({ url = "" }, response) => {
    this.asked.push(url);
    this.answer(response, url);
  });

  /** Starts it; its address is the worker's own. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    setGlobalOrigin(this.url);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A request as a worker gets it, with an event of its own. */
export function ask(url: string) {
  // Workbox' event is the browser's, of which it uses this much.
  const event = new WorkerEvent() as WorkerEvent & Event;
  return { request: new Request(url), event };
}

/** Deletes every cache. */
export async function emptyCaches(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.map((name) => caches.delete(name)));
}
