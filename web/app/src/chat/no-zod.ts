/**
 * Stands in for zod in the page's build (see `vite.config.ts`).
 *
 * The AI SDK describes every message and every setting of its server's half by zod's schemas, as its
 * module is evaluated. The page validates nothing by them: its transport reads frames itself. So they
 * are described by nothing here, and whoever would validate by one is told. An export that a newer AI SDK
 * needs and that is missing here fails the build.
 */

const refuse = (): never => {
  throw new Error("The page is built without zod: see src/chat/no-zod.ts.");
};

const VALIDATES: ReadonlySet<string | symbol> = new Set([
  "parse",
  "parseAsync",
  "safeParse",
  "safeParseAsync",
]);

// biome-ignore lint/suspicious/noExplicitAny: whatever is made of a schema is a schema again
const schema: any = new Proxy(() => undefined, {
  apply: () => schema,
  get: (_, name) => (VALIDATES.has(name) ? refuse : schema),
});

export const safeParse = refuse;
export const safeParseAsync = refuse;
// biome-ignore lint/style/useNamingConvention: the name is zod's
export const toJSONSchema = refuse;
export const config = () => undefined;
// biome-ignore lint/style/noDefaultExport: as in zod's locales
export default () => undefined;
export {
  schema as NEVER,
  schema as any,
  schema as array,
  schema as boolean,
  schema as catchall,
  schema as custom,
  schema as discriminatedUnion,
  schema as enum,
  schema as extend,
  schema as globalRegistry,
  schema as instanceof,
  schema as int,
  schema as json,
  schema as lazy,
  schema as length,
  schema as literal,
  schema as looseObject,
  schema as maxLength,
  schema as maximum,
  schema as minLength,
  schema as minimum,
  schema as never,
  schema as nonnegative,
  schema as null,
  schema as nullable,
  schema as nullish,
  schema as number,
  schema as object,
  schema as optional,
  schema as pipe,
  schema as positive,
  schema as record,
  schema as refine,
  schema as startsWith,
  schema as string,
  schema as transform,
  schema as union,
  schema as unknown,
  schema as url,
};
