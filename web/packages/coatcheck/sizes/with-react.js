/** What a page with React loads: everything. Read by `.size-limit.js` alone. */

export * from "../dist/ai/index.js";
export * from "../dist/core/index.js";
export * from "../dist/react/index.js";
