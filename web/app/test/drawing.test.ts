import type { UIMessage } from "ai";
import { describe, expect, it } from "vitest";
import { drawingBehind, viewToolCall } from "../src/transcript/drawing.ts";

type Parts = UIMessage["parts"];

const reference = (id: string) => ({
  type: "media_reference",
  version: 1,
  id,
  uri: `media://${id}`,
  mimeType: "image/png",
  size: 10,
  digest: `sha-256:${"0".repeat(64)}`,
});
const FIRST = "11111111-1111-4111-8111-111111111111";
const SECOND = "22222222-2222-4222-8222-222222222222";

const call = (toolCallId: string, fields: object): Parts[number] =>
  ({ type: "tool-generate_image", toolCallId, ...fields }) as unknown as Parts[number];
const drawn = (toolCallId: string, id: string, prompt: string) =>
  call(toolCallId, {
    state: "output-available",
    input: { prompt },
    output: { success: true, data: { imageReference: reference(id), prompt, model: "procedural" } },
  });
const media = (data: object): Parts[number] => ({ type: "data-media", id: "m", data });

describe("drawingBehind", () => {
  it("finds the call whose output names the picture, whatever the order", () => {
    const parts = [
      drawn("a", FIRST, "one"),
      drawn("b", SECOND, "two"),
      media({ state: "ready", reference: reference(SECOND) }),
      media({ state: "ready", reference: reference(FIRST) }),
    ];
    expect(drawingBehind(parts, 2)).toEqual({ prompt: "two", model: "procedural" });
    expect(drawingBehind(parts, 3)).toEqual({ prompt: "one", model: "procedural" });
  });

  it("takes the nearest call before a picture that is not finished", () => {
    const parts = [
      call("a", { state: "input-available", input: { prompt: "soon" } }),
      media({ state: "pending" }),
    ];
    expect(drawingBehind(parts, 1)).toEqual({ prompt: "soon", model: null });
  });

  it("knows nothing of a picture that no call made", () => {
    expect(drawingBehind([media({ state: "ready" })], 0)).toEqual({ prompt: null, model: null });
  });
});

describe("viewToolCall", () => {
  it("shows work until there is a media part to show it", () => {
    const working = call("a", { state: "input-streaming", input: {} });
    expect(viewToolCall([working], 0)).toEqual({ kind: "working", tool: "generate_image" });
    expect(viewToolCall([working, media({ state: "pending" })], 0)).toEqual({ kind: "nothing" });
  });

  it("tells a failure once", () => {
    const failed = call("a", { state: "output-error", input: {}, errorText: "No paint." });
    expect(viewToolCall([failed], 0)).toEqual({ kind: "failed", message: "No paint." });
    expect(viewToolCall([failed, media({ state: "failed" })], 0)).toEqual({ kind: "nothing" });
  });

  it("shows an output's picture only where no part does", () => {
    const output = drawn("a", FIRST, "one");
    expect(viewToolCall([output], 0)).toEqual({ kind: "media", reference: reference(FIRST) });
    const part = media({ state: "ready", reference: reference(FIRST) });
    expect(viewToolCall([output, part], 0)).toEqual({ kind: "nothing" });
  });
});
