import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const NO_ZOD = fileURLToPath(new URL("src/chat/no-zod.ts", import.meta.url));

const SHARED =
  /node_modules[\\/](?:react|react-dom|scheduler|ai|@ai-sdk)[\\/]|app[\\/]src[\\/](?:shell|chat|conversations)[\\/]|src[\\/]core[\\/](?:reference|media-state|json|format-bytes)\.ts$/u;

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
  resolve: {
    tsconfigPaths: true,
    // The AI SDK describes its server's half by zod's schemas; the page validates nothing by them.
    alias: [{ find: /^zod(?:\/.*)?$/u, replacement: NO_ZOD }],
  },
  build: {
    outDir: "../../packages/coatcheck-chat/src/coatcheck_chat/page",
    emptyOutDir: true,
    // The page's Content-Security-Policy is easier to keep strict when nothing is inlined.
    assetsInlineLimit: 0,
    target: "es2023",
    rolldownOptions: {
      input: "index.html",
      // What the first view shares with what comes later is one file, not one for each pair that shares it.
      output: { codeSplitting: { groups: [{ name: "shared", test: SHARED, minShareCount: 2 }] } },
    },
  },
  server: {
    proxy: {
      "/api": SERVER,
      "/ws": { target: SERVER, ws: true },
    },
  },
});
