/**
 * What is used of a `ServiceWorkerGlobalScope`. TypeScript's types for workers and for pages cannot
 * stand in one program.
 */
export interface WorkerScope {
  readonly location: { readonly origin: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "activate", listener: (event: Extendable) => void): void;
  addEventListener(type: "message", listener: (event: Extendable & MessageEvent) => void): void;
}

/** An event that keeps the worker alive until a promise is settled. */
export interface Extendable {
  waitUntil(promise: Promise<unknown>): void;
}
