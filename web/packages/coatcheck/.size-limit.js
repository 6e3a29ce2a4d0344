/** What the package may weigh, minified and compressed, with all that it brings along but React. */
export default [
  { name: "core", path: "dist/core/index.js", limit: "12 kB" },
  {
    name: "core and React parts",
    path: "sizes/with-react.js",
    ignore: ["react", "react-dom"],
    limit: "25 kB",
  },
].map((check) => ({
  ...check,
  gzip: true,
  // The default format knows no `import.meta`.
  modifyEsbuildConfig: (config) => ({ ...config, format: "esm" }),
}));
