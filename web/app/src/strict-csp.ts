/**
 * Tells zod, which the AI SDK brings along, not to probe for `new Function`: under the page's
 * Content-Security-Policy the probe fails as it should, but each page load would report a violation.
 * Must be imported before anything that imports zod.
 */
// biome-ignore lint/style/useNamingConvention: the name is zod's
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });
