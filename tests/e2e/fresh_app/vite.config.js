import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.COATCHECK_URL;

export default defineConfig({
  plugins: [react()],
  preview: {
    proxy: { "/api": server, "/ws": { target: server, ws: true } },
    // As strict as a page can be that shows pictures out of its own memory.
    headers: { "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:" },
  },
});
