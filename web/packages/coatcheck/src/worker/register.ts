import type { MediaWorkerMessage } from "./messages.ts";

/** Options of {@link registerMediaWorker}. */
export interface MediaWorkerOptions {
  /** Where the worker's script is; it looks after pages at or below its own path. */
  readonly script: string | URL;
  /** A wider scope than that, which the script's `Service-Worker-Allowed` must permit. */
  readonly scope?: string;
  /**
   * Who is signed in, as the application names its readers; null for an anonymous one. `private` answers are
   * kept for a named reader only.
   */
  readonly principal: string | null;
  /** A new version of the worker waits. `apply` lets it take over; without it, the next visit does. */
  readonly onUpdate?: (apply: () => Promise<void>) => void;
}

/** The page's end of its media worker. */
export interface MediaWorker {
  /** Resolves when nothing of another reader is left. */
  readonly changePrincipal: (principal: string | null) => Promise<void>;
  /** Resolves when everything kept is deleted. */
  readonly signOut: () => Promise<void>;
}

/**
 * Registers the media worker.
 *
 * @param options - The worker's script and its reader.
 * @returns null where the browser has no service workers: pictures then come from its own cache.
 * @throws what `navigator.serviceWorker.register` rejects with: the script is missing or broken.
 */
export async function registerMediaWorker({
  script,
  scope,
  principal,
  onUpdate,
}: MediaWorkerOptions): Promise<MediaWorker | null> {
  if (!("serviceWorker" in navigator)) {
    return null;
  }
  const registration = await navigator.serviceWorker.register(script, {
    ...(scope === undefined ? {} : { scope }),
    // The script itself is asked for on each visit, whatever a cache thinks of it.
    updateViaCache: "none",
  });
  if (onUpdate !== undefined) {
    watchForUpdates(registration, onUpdate);
  }
  const tell = async (message: MediaWorkerMessage) => {
    const { active } = await navigator.serviceWorker.ready;
    if (active !== null) {
      await post(active, message);
    }
  };
  const changePrincipal = (name: string | null) =>
    tell({ type: "coatcheck-principal", principal: name });
  await changePrincipal(principal);
  return { changePrincipal, signOut: () => tell({ type: "coatcheck-sign-out" }) };
}

function watchForUpdates(
  registration: ServiceWorkerRegistration,
  onUpdate: (apply: () => Promise<void>) => void,
): void {
  const offer = (worker: ServiceWorker | null) => {
    // Without a controller it is the first worker, which replaces none.
    if (worker?.state === "installed" && navigator.serviceWorker.controller !== null) {
      onUpdate(() => post(worker, { type: "coatcheck-update" }));
    }
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => offer(installing));
  });
}

function post(worker: ServiceWorker, message: MediaWorkerMessage): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    worker.postMessage(message, [port2]);
  });
}
