import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: ["packages/coatcheck", "app"].map((root) => ({
      root,
      resolve: { tsconfigPaths: true },
      test: {
        name: root,
        include: ["test/**/*.test.{ts,tsx}"],
        environment: "node",
        restoreMocks: true,
        testTimeout: 5000,
      },
    })),
  },
});
