import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Where `coatcheck serve` listens; the development page borrows its API. */
const SERVER = "http://127.0.0.1:8787";

/**
 * Vite rewrites the entry's script element and drops `blocking="render"`; without it the page would
 * flash in the system's theme before it takes the reader's.
 */
const renderBlockingEntry: Plugin = {
  name: "render-blocking-entry",
  transformIndexHtml: {
    order: "post",
    handler: (html) =>
      html.replace(
        '<script type="module" crossorigin',
        '<script type="module" blocking="render" crossorigin',
      ),
  },
};

export default defineConfig({
  plugins: [react(), renderBlockingEntry],
  resolve: { tsconfigPaths: true },
  build: {
    outDir: "../../packages/coatcheck-chat/src/coatcheck_chat/page",
    emptyOutDir: true,
    // The page's Content-Security-Policy is easier to keep strict when nothing is inlined.
    assetsInlineLimit: 0,
    target: "es2023",
    rolldownOptions: { input: ["index.html", "components.html"] },
    // One chunk: `strict-csp.ts` must run before zod, and chunks that are imported run first. Most of
    // it is the AI SDK; 180 KB compressed, from the same origin.
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      "/api": SERVER,
      "/ws": { target: SERVER, ws: true },
    },
  },
});
