import { registerRoute } from "workbox-routing";
import { NetworkFirst } from "workbox-strategies";

/**
 * Lets the page open without a network: the page itself and the conversations and lists that were read,
 * as they were last. A network that answers always comes first. Scripts and styles never change, and rest in
 * the browser's own cache.
 */
export function cachePage(): void {
  registerRoute(
    ({ request, sameOrigin }) => sameOrigin && request.mode === "navigate",
    new NetworkFirst({
      cacheName: CACHE,
      plugins: [
        {
          // One page answers for every conversation, and for all pictures.
          cacheKeyWillBeUsed: async ({ request }) =>
            new URL(request.url).pathname.startsWith("/components") ? "/components" : "/",
        },
      ],
    }),
  );
  registerRoute(
    ({ url, sameOrigin }) =>
      sameOrigin &&
      (url.pathname.startsWith("/api/conversations") || url.pathname === "/api/media"),
    new NetworkFirst({ cacheName: CACHE }),
  );
}

const CACHE = "coatcheck-page-v1";
