import { registerMediaWorker } from "coatcheck/worker";

/** The demo knows its reader by a cookie alone: this browser is always the same one. */
const PRINCIPAL = "this-browser";

/** Registers the worker that keeps seen pictures. The page works without it. */
export function registerWorker(): void {
  registerMediaWorker({
    script: "/media-worker.js",
    principal: PRINCIPAL,
    // Nothing on the page depends on the worker's version.
    onUpdate: (apply) => void apply(),
  }).catch((error: unknown) => {
    // biome-ignore lint/suspicious/noConsole: nobody else would hear of it
    console.info("Pictures will not be kept for offline use:", error);
  });
}
