import type { KeptReader } from "coatcheck/worker";
import { registerRoute } from "workbox-routing";
import { PageCache } from "./page-cache.ts";

/**
 * Lets the page open without a network: the page itself and the conversations and lists that its reader
 * read, as they were last. Scripts and styles never change, and rest in the browser's own cache.
 *
 * @param reader - For whom the worker keeps answers.
 */
export function cachePage(reader: KeptReader): void {
  const cache = new PageCache(reader);
  registerRoute(
    ({ request, url, sameOrigin }) =>
      sameOrigin && request.mode === "navigate" && !url.pathname.startsWith("/api/"),
    (options) => cache.open(options),
  );
  registerRoute(
    ({ url, sameOrigin }) =>
      sameOrigin &&
      (url.pathname.startsWith("/api/conversations") || url.pathname === "/api/media"),
    (options) => cache.answer(options),
  );
}
