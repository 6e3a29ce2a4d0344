import { parseToolOutput as parseTodaysOutput } from "coatcheck";
import {
  decodeInlineImage,
  type InlineImage,
  parseToolOutput,
  readInlineImage,
  splitMarkdownImages,
  type TextPiece,
} from "coatcheck/legacy";
import { describe, expect, it } from "vitest";
import { readJsonAt } from "../src/core/legacy/lazy-json.ts";
import { lighten } from "../src/core/legacy/lighten.ts";
import { lighthouse } from "./samples.ts";
import { readVectors } from "./vectors.ts";

interface Inline {
  readonly mimeType: string;
  readonly base64: string;
}
interface Expected {
  readonly inline?: Inline;
  readonly thumbnail?: Inline;
  readonly url?: string;
  readonly id?: string;
  readonly width?: number;
  readonly height?: number;
  readonly reference?: unknown;
  readonly details?: object;
  readonly error?: string;
}
const { outputs, nothing, markdown } = readVectors<{
  readonly outputs: readonly { name: string; output: unknown; expected: Expected }[];
  readonly nothing: readonly { name: string; output: unknown }[];
  readonly markdown: readonly { name: string; text: string; pieces: readonly unknown[] }[];
}>("legacy.json");

/** What was read, in the words of the vectors. */
function told(output: unknown): Expected | null {
  const read = parseToolOutput(output);
  if (read === null) {
    return null;
  }
  const details = Object.fromEntries(
    Object.entries(read.details).filter(([, value]) => value !== null),
  );
  const detailed = Object.keys(details).length === 0 ? {} : { details };
  if (read.error !== null) {
    return { error: read.error, ...detailed };
  }
  if (read.picture?.kind === "reference") {
    return { reference: read.picture.reference, ...detailed };
  }
  const image = read.picture?.image;
  return {
    ...(typeof image?.source === "string"
      ? { url: image.source }
      : inline("inline", image?.source)),
    ...(typeof image?.thumbnail === "string" ? {} : inline("thumbnail", image?.thumbnail)),
    ...(image?.id === null ? {} : { id: image?.id }),
    ...image?.dimensions,
    ...detailed,
  } as Expected;
}

function inline(name: string, image: InlineImage | null | undefined): object {
  return image ? { [name]: { mimeType: image.mimeType, base64: image.data } } : {};
}

function piece(read: TextPiece): unknown {
  switch (read.kind) {
    case "text":
      return { text: read.text };
    case "image":
      return { alt: read.alt, ...inline("inline", read.image) };
    case "arriving":
      return { alt: read.alt, arriving: true };
  }
}

describe("outputs of tools on the shared vectors", () => {
  it.each(outputs)("reads $name", ({ output, expected }) => {
    expect(told(output)).toEqual(expected);
  });

  it.each(nothing)("finds no picture in $name", ({ output }) => {
    expect(parseToolOutput(output)).toBeNull();
  });

  it.each(outputs)("are all or nothing to who knows references alone: $name", ({ output }) => {
    const today = parseTodaysOutput(output);
    expect(today ?? parseToolOutput(output)).toEqual(parseToolOutput(output));
    expect(today?.picture?.kind ?? "reference").toBe("reference");
  });

  it("read a reference in today's form without the readers of old ones", () => {
    const output = { imageReference: lighthouse, prompt: "灯台" };
    const forms = [
      output,
      { data: output },
      [{ type: "text", text: JSON.stringify(output) }],
      `✅ **Success**: ${JSON.stringify(output)} Done.`,
    ];
    for (const form of forms) {
      expect(parseTodaysOutput(form)).toEqual(parseToolOutput(form));
      expect(parseTodaysOutput(form)?.picture).toEqual({
        kind: "reference",
        reference: lighthouse,
      });
    }
    expect(parseTodaysOutput("❌ **Error**: Busy.")?.error).toBe("Busy.");
    expect(parseTodaysOutput({ imageUrl: "/a.png" })).toBeNull();
  });

  it("looks for a picture in four wrappers, and no further", () => {
    const wrapped = (depth: number): unknown =>
      depth === 0 ? { imageReference: lighthouse } : { data: wrapped(depth - 1) };
    expect(told(wrapped(4))).toEqual({ reference: lighthouse });
    expect(told(wrapped(5))).toBeNull();
  });

  it.each(markdown)("splits Markdown: $name", ({ text, pieces }) => {
    expect(splitMarkdownImages(text).map(piece)).toEqual(pieces);
  });
});

describe("bytes that came inside a message", () => {
  it("are decoded whole, in slices, to what they were", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const many = new Uint8Array(600_000).map((_, index) => bytes[index % bytes.length] ?? 0);
    const data = Buffer.from(many).toString("base64");
    const blob = await decodeInlineImage({ mimeType: "image/png", data });
    expect(blob?.type).toBe("image/png");
    expect(Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer(0)).equals(many)).toBe(true);
  });

  it("let other tasks run between the slices", async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    await decodeInlineImage({ mimeType: "image/png", data: "AAAA".repeat(1_000_000) });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(4);
  });

  it("that are no base64 are no picture, and an abandoned one is none either", async () => {
    expect(await decodeInlineImage({ mimeType: "image/png", data: "AAAA*AAA" })).toBeNull();
    const gone = AbortSignal.abort();
    expect(await decodeInlineImage({ mimeType: "image/png", data: "AAAA" }, gone)).toBeNull();
  });

  it("may be a Blob already, of a type that is allowed", () => {
    expect(readInlineImage(new Blob(["x"], { type: "image/webp" }))?.mimeType).toBe("image/webp");
    expect(readInlineImage(new Blob(["x"], { type: "image/svg+xml" }))).toBeNull();
  });
});

describe("readJsonAt", () => {
  it.each([
    '{"a": [1, -2.5e3, true, false, null, "x\\n\\u00e9\\"\\\\"], "": {}, "__proto__": {"a": []}}',
    '"\\\\"',
    "[]",
    '{"a":{"b":{"c":[[[0]]]}}}',
  ])("agrees with JSON.parse on %s", (json) => {
    const read = readJsonAt(`before ${json} after`, 7);
    expect(read?.value).toEqual(JSON.parse(json));
    expect(read?.end).toBe(7 + json.length);
  });

  it.each(["", "{", "{a: 1}", '{"a": 1,}', "[1 2]", '"open', '"\\"', '{"a" 1}', '"\u0001"', "nul"])(
    "refuses %j",
    (text) => {
      expect(readJsonAt(text, 0)).toBeNull();
    },
  );

  it("stops at a depth and a number of values that no message has", () => {
    expect(readJsonAt("[".repeat(100_000), 0)).toBeNull();
    expect(readJsonAt(`[${"0,".repeat(30_000)}0]`, 0)).toBeNull();
  });

  // Each would take minutes if the time grew with the square of the length.
  const length = 4_000_000;
  it.each([
    ["quotes", `{"a":"${'\\"'.repeat(length / 2)}"}`],
    ["backslashes", `{"a":"${"\\\\".repeat(length / 2)}"}`],
    ["no end", `{"a":"${"A".repeat(length)}`],
    ["spaces", `{"a":${" ".repeat(length)}`],
    ["digits", `{"a":${"1".repeat(length)}`],
    ["braces", "{".repeat(length)],
  ])("takes linear time for 4 MB of %s", (_, text) => {
    readJsonAt(text, 0);
    parseToolOutput(`✅ **Success**: ${text}`);
    splitMarkdownImages(text);
    expect(parseToolOutput(text)).toBeNull();
  });

  it("splits Markdown in linear time where pictures only seem to begin", () => {
    const text = "![a](data:image/".repeat(100_000);
    expect(splitMarkdownImages(`${text})`).map(({ kind }) => kind)).toEqual(["text"]);
  });
});

describe("a text with 4 MB of base64", () => {
  const base64 = `iVBORw0KGgo${"A".repeat(4_000_001)}`;
  const text = `✅ **Success**: ${JSON.stringify({ imageData: base64, prompt: "灯台" })}`;

  it("is read far faster than JSON.parse would", () => {
    const json = text.slice(text.indexOf("{"));
    const best = (work: () => void) =>
      Math.min(
        ...Array.from({ length: 7 }, () => {
          const start = performance.now();
          work();
          return performance.now() - start;
        }),
      );
    expect(parseToolOutput(text)?.details.prompt).toBe("灯台");
    expect(best(() => parseToolOutput(text))).toBeLessThan(best(() => JSON.parse(json)));
  });

  it("becomes a Blob in a worker, wherever it stands", () => {
    const frame = { seq: 1, chunk: { type: "tool-output-available", output: text } };
    const light = lighten(frame) as { chunk: { output: { imageData: Blob; prompt: string } } };
    expect(light.chunk.output.prompt).toBe("灯台");
    expect(light.chunk.output.imageData.size).toBe((base64.length * 3) / 4);
    expect(parseToolOutput(light.chunk.output)?.picture?.kind).toBe("legacy");
  });
});
