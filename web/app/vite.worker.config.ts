import { defineConfig } from "vite";

/**
 * The service worker: one classic script, which every browser takes, under a name that never changes,
 * at the root of the page, which is as far as it reaches.
 */
export default defineConfig({
  // The package's source, as the page has it: what was built of the package may be older.
  resolve: { tsconfigPaths: true },
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build: {
    outDir: "../../packages/coatcheck-chat/src/coatcheck_chat/page",
    emptyOutDir: false,
    target: "es2023",
    lib: {
      entry: "src/media-worker.ts",
      formats: ["iife"],
      name: "mediaWorker",
      fileName: () => "media-worker.js",
    },
  },
});
