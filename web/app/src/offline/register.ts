import { registerMediaWorker } from "coatcheck/worker";
import { PRINCIPAL_HEADER } from "./page-cache.ts";

/** Registers the worker that keeps what was seen. The page works without it. */
export function registerWorker(): void {
  register().catch((error: unknown) => {
    // biome-ignore lint/suspicious/noConsole: nothing else reports it
    console.info("Pictures will not be kept for offline use:", error);
  });
}

async function register(): Promise<void> {
  // A page cannot read the headers of its own answer. Without a network a worker that is there stays
  // as it is.
  const { headers } = await fetch("/", { method: "HEAD", cache: "no-store" });
  await registerMediaWorker({
    script: "/media-worker.js",
    principal: headers.get(PRINCIPAL_HEADER),
    // Nothing on the page depends on the worker's version.
    onUpdate: (apply) => void apply(),
  });
}
