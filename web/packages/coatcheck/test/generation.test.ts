import { type GenerationSource, parseGeneration } from "coatcheck";
import { parseGeneration as parseAnyGeneration } from "coatcheck/legacy";
import { describe, expect, it } from "vitest";
import { lighthouse } from "./samples.ts";

const state = (source: GenerationSource) => parseGeneration(source).media.state;
const tool = (fields: object) => ({ type: "tool-generate_image", toolCallId: "call", ...fields });
const asked = tool({
  state: "input-available",
  input: { prompt: "a lighthouse", size: "1600x900", model: "procedural" },
});
const result = { success: true, data: { imageReference: lighthouse, prompt: "a tower" } };
const ready = { type: "data-media", id: "m1", data: { state: "ready", reference: lighthouse } };

describe("parseGeneration", () => {
  it("holds the place of a picture that was asked for", () => {
    expect(parseGeneration({ part: asked })).toEqual({
      media: {
        state: "pending",
        dimensions: { width: 1600, height: 900 },
        alt: "a lighthouse",
      },
      details: { prompt: "a lighthouse", model: "procedural", size: "1600x900", timestamp: null },
      requested: { width: 1600, height: 900 },
    });
  });

  it.each([
    [{ size: "640 × 480" }, { width: 640, height: 480 }],
    [{ aspectRatio: "16:9" }, { width: 1024, height: 576 }],
    // biome-ignore lint/style/useNamingConvention: what other tools call it
    [{ aspect_ratio: "2:3" }, { width: 683, height: 1024 }],
    [
      { width: 800, height: 600 },
      { width: 800, height: 600 },
    ],
    [{ size: "large" }, null],
    [{ size: "0x0" }, null],
    [{ width: -1, height: 5 }, null],
    [{}, null],
  ])("reads the size out of %j", (input, dimensions) => {
    expect(parseGeneration({ part: tool({ state: "input-available", input }) }).requested).toEqual(
      dimensions,
    );
  });

  it("takes the media from its part and the words from the call", () => {
    const generation = parseGeneration({ toolCall: asked, part: ready });
    expect(generation.media.state).toBe("ready");
    expect(generation.details.prompt).toBe("a lighthouse");
  });

  it("takes the media from the call where there is no part", () => {
    const done = tool({ state: "output-available", input: {}, output: result });
    expect(state({ toolCall: done })).toBe("ready");
    expect(parseGeneration({ part: done }).details.prompt).toBe("a tower");
  });

  it("reads calls of older SDKs, and their outputs", () => {
    const output = `✅ **Success**: {"imageData": "iVBORw0KGgo${"A".repeat(100)}"}`;
    const invocation = { toolName: "generate_image", state: "result", args: {}, result: output };
    expect(state({ toolCall: invocation })).toBe("legacy");
    expect(parseAnyGeneration({ toolCall: invocation }).media).toMatchObject({
      state: "legacy",
      image: { source: { mimeType: "image/png" } },
    });
    expect(state({ part: { type: "tool-invocation", toolInvocation: invocation } })).toBe("legacy");
    const called = { state: "call", args: { prompt: "a hut" } };
    expect(parseGeneration({ toolCall: called }).details.prompt).toBe("a hut");
    expect(state({ toolCall: called })).toBe("pending");
  });

  it.each([
    [tool({ state: "output-error", errorText: "Refused." }), "Refused."],
    [tool({ state: "output-available", output: { success: false, error: "Busy." } }), "Busy."],
    [tool({ state: "output-available", output: "❌ **Error**: Busy." }), "Busy."],
  ])("tells why there is no picture", (toolCall, message) => {
    expect(parseGeneration({ toolCall }).media).toEqual({
      state: "failed",
      code: "tool_failed",
      message,
    });
  });

  it("calls an output that it cannot read a failure", () => {
    const done = tool({ state: "output-available", output: { unknown: true } });
    expect(parseAnyGeneration({ toolCall: done }).media).toMatchObject({
      code: "media_unreadable",
    });
    // Who knows references alone leaves that to who knows more.
    expect(state({ toolCall: done })).toBe("legacy");
    const empty = tool({ state: "output-available" });
    expect(parseGeneration({ toolCall: empty }).media).toMatchObject({ code: "media_unreadable" });
  });

  it.each([
    ["what was asked for", asked],
    ["a reference", tool({ state: "output-available", input: {}, output: result })],
    ["an error", tool({ state: "output-error", errorText: "Refused." })],
  ])("reads %s as the reader of all forms does", (_, part) => {
    expect(parseGeneration({ part })).toEqual(parseAnyGeneration({ part }));
  });

  it.each([[{}], [{ part: 7 }], [{ toolCall: "text", part: null }], [{ part: [] }]])(
    "waits where nothing was told: %j",
    (source) => {
      expect(state(source)).toBe("pending");
    },
  );
});
