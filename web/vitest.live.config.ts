import { defineConfig } from "vitest/config";

/** Tests against a running server; `tests/integration/test_browser_client.py` starts both. */
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    root: "packages/coatcheck",
    include: ["live/**/*.live.ts"],
    environment: "node",
    // Node 20 has the browser's WebSocket behind this flag; later versions take it and need it not.
    execArgv: ["--experimental-websocket", "--no-warnings"],
    testTimeout: 400_000,
  },
});
