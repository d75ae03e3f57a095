import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vite";

const dist = join(import.meta.dirname, "dist");

// The Go binary embeds dist/, and an embed needs the folder to exist in a
// fresh clone: dist/.gitkeep is under version control and survives a build,
// the rest of the folder does not.
const cleanDist = {
  name: "clean-dist",
  apply: "build" as const,
  buildStart() {
    for (const entry of readdirSync(dist)) {
      if (entry !== ".gitkeep") rmSync(join(dist, entry), { recursive: true });
    }
  },
};

export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [cleanDist],
  build: {
    outDir: "dist",
    emptyOutDir: false,
    target: "es2022",
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/dashboard/socket.io": {
        target: process.env["DASHBOARD"] ?? "http://127.0.0.1:9090",
        ws: true,
        changeOrigin: true,
      },
    },
  },
});
