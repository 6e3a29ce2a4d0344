/** What the package may weigh, minified and compressed, with all that it brings along but React. */
export default [
  { name: "core", path: "dist/core/index.js", limit: "8 kB" },
  // Without what the first large frame of an old server loads.
  { name: "transport", path: "dist/ai/index.js", limit: "8 kB", later: ["*/ordered-reader.js"] },
  { name: "large frames", path: "dist/core/legacy/ordered-reader.js", limit: "1 kB" },
  {
    name: "core and React parts",
    path: "sizes/with-react.js",
    ignore: ["react", "react-dom"],
    limit: "25 kB",
    later: ["*/ordered-reader.js", "*/legacy-part.js"],
  },
  // What the first old picture loads.
  { name: "old messages", path: "dist/core/legacy/index.js", limit: "6 kB" },
].map(({ later = [], ...check }) => ({
  ...check,
  gzip: true,
  modifyEsbuildConfig: (config) => ({
    ...config,
    // The default format knows no `import.meta`.
    format: "esm",
    external: [...(config.external ?? []), ...later],
  }),
}));
