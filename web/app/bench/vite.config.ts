import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Builds the benchmark's page; `--outDir` says where to. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // The package's sources, as the app has them: what was built of it may be older.
  resolve: { tsconfigPaths: true },
  build: {
    target: "es2023",
    rolldownOptions: {
      output: {
        // A file of its own for React, so that a violation's address tells whose handler was slow.
        codeSplitting: {
          groups: [
            { name: "vendor", test: /node_modules[\\/](?:react|react-dom|scheduler)[\\/]/u },
          ],
        },
      },
    },
  },
});
