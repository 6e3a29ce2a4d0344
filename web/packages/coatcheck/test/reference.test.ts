import { isImage, parseReference } from "coatcheck";
import { describe, expect, it } from "vitest";
import { lighthouse, report } from "./samples.ts";
import { readVectors } from "./vectors.ts";

interface Vector {
  readonly name: string;
  readonly reference: unknown;
}
const { valid, invalid, invalidUrls } = readVectors<{
  readonly valid: readonly (Vector & { readonly reference: object })[];
  readonly invalid: readonly Vector[];
  readonly invalidUrls: readonly Vector[];
}>("references.json");

describe("parseReference on the shared vectors", () => {
  it.each(valid)("accepts $name", ({ reference }) => {
    const parsed = parseReference(reference);
    expect(parsed).not.toBeNull();
    // Every known field comes through unchanged; what the format does not name is dropped.
    expect(reference).toMatchObject(parsed ?? {});
    expect(Object.keys(parsed ?? {})).not.toContain("future");
  });

  it.each([...invalid, ...invalidUrls])("refuses $name", ({ reference }) => {
    expect(parseReference(reference)).toBeNull();
  });

  it("is not tested on nothing", () => {
    expect(valid.length).toBeGreaterThan(5);
    expect(invalid.length).toBeGreaterThan(20);
  });
});

describe("addresses", () => {
  it.each([
    "/api/media/image/1?sig=a%2Fb&exp=1",
    "https://media.example.org/x.png",
    "HTTP://localhost:8787/x",
  ])("accepts %s", (url) => {
    expect(parseReference({ ...lighthouse, url })?.url).toBe(url);
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:image/png;base64,AAAA",
    "blob:https://example.org/1",
    "file:///etc/passwd",
    "//evil.example/x",
    "/\\evil.example/x",
    "/\t/evil.example/x",
    "\\\\evil.example/x",
    "https://user:password@example.org/",
    "https://",
    "api/media/1",
    "",
    `/${"a".repeat(5000)}`,
    7,
    null,
  ])("refuses %j, as url and as thumbnail", (url) => {
    expect(parseReference({ ...lighthouse, url })).toBeNull();
    expect(parseReference({ ...lighthouse, thumbnailUrl: url })).toBeNull();
  });
});

describe("hostile input", () => {
  const throwing = Object.defineProperty({ ...lighthouse }, "size", {
    enumerable: true,
    get: () => {
      throw new Error("no");
    },
  });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();

  it.each([
    ["a throwing getter", throwing],
    ["a revoked proxy", revoked.proxy],
    ["inherited fields", Object.create(lighthouse)],
    ["a function", () => lighthouse],
    ["a symbol", Symbol("reference")],
    ["a bigint size", { ...lighthouse, size: 10n }],
    ["NaN", { ...lighthouse, size: Number.NaN }],
    ["an unsafe size", { ...lighthouse, size: 2 ** 60 }],
    ["a String object as id", { ...lighthouse, id: Object.create(String.prototype) }],
    ["variants that are no list", { ...lighthouse, variants: { length: 1, 0: 256 } }],
    ["variants without end", { ...lighthouse, variants: Array.from({ length: 1000 }, () => 1) }],
    ["a variant that is no width", { ...lighthouse, variants: [256, "512"] }],
    ["a text without end", { ...lighthouse, alt: "a".repeat(5000) }],
  ])("answers %s with null", (_, value) => {
    expect(parseReference(value)).toBeNull();
  });
});

it("tells pictures from other media", () => {
  expect(isImage(lighthouse)).toBe(true);
  expect(isImage(report)).toBe(false);
  // Whatever it says that it is: nothing has looked at it.
  expect(isImage({ ...lighthouse, opaque: true })).toBe(false);
});
