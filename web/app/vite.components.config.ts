import { defineConfig, mergeConfig } from "vite";
import page from "./vite.config.ts";

/** The page with every component: a build of its own, or the chat would come in as many pieces as both share. */
export default defineConfig(
  mergeConfig(page, {
    build: { emptyOutDir: false, rolldownOptions: { input: "components.html" } },
  }),
);
