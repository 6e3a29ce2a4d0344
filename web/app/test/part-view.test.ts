import type { UIMessage } from "ai";
import { describe, expect, it } from "vitest";
import { viewPart } from "../src/transcript/part-view.ts";

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
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const call = (fields: object, type = "tool-generate_image"): Parts[number] =>
  ({ type, toolCallId: "a", ...fields }) as unknown as Parts[number];
const done = (output: unknown, type?: string) =>
  call({ state: "output-available", input: {}, output }, type);
const drawn = (id: string) => done({ success: true, data: { imageReference: reference(id) } });
const media = (data: object): Parts[number] => ({ type: "data-media", id: "m", data });
const alone = (part: Parts[number]) => ({ kind: "picture", toolCall: part, part: undefined });

describe("a media part", () => {
  it("is shown with the call whose output names it, whatever the order", () => {
    const parts = [
      drawn(FIRST),
      drawn(SECOND),
      media({ state: "ready", reference: reference(SECOND) }),
      media({ state: "ready", reference: reference(FIRST) }),
    ];
    expect(viewPart(parts, 2)).toEqual({ kind: "picture", toolCall: parts[1], part: parts[2] });
    expect(viewPart(parts, 3)).toEqual({ kind: "picture", toolCall: parts[0], part: parts[3] });
  });

  it("is shown with the nearest call before it as long as it is not finished", () => {
    const parts = [call({ state: "input-available", input: {} }), media({ state: "pending" })];
    expect(viewPart(parts, 1)).toEqual({ kind: "picture", toolCall: parts[0], part: parts[1] });
  });

  it("is shown where no call made it", () => {
    const part = media({ state: "pending" });
    expect(viewPart([part], 0)).toEqual({ kind: "picture", toolCall: undefined, part });
  });
});

describe("a tool call", () => {
  it("is work until there is a media part to show it", () => {
    const working = call({ state: "input-streaming", input: {} });
    expect(viewPart([working], 0)).toEqual({ kind: "working", tool: "generate_image" });
    expect(viewPart([working, media({ state: "pending" })], 0)).toBeNull();
    const dynamic = call({ state: "input-available", toolName: "plot" }, "dynamic-tool");
    expect(viewPart([dynamic], 0)).toEqual({ kind: "working", tool: "plot" });
  });

  it("tells a failure once", () => {
    const failed = call({ state: "output-error", input: {}, errorText: "No paint." });
    expect(viewPart([failed], 0)).toEqual(alone(failed));
    expect(viewPart([failed, media({ state: "failed" })], 0)).toBeNull();
  });

  it("shows its picture only where no part does", () => {
    const output = drawn(FIRST);
    expect(viewPart([output], 0)).toEqual(alone(output));
    const part = media({ state: "ready", reference: reference(FIRST) });
    expect(viewPart([output, part], 0)).toBeNull();
  });

  it.each([
    ["an object", done({ imageData: PIXEL, prompt: "as it was" })],
    ["a text", done(`✅ **Success**: ${JSON.stringify({ imageData: PIXEL })}`)],
    [
      "an older SDK's",
      call(
        {
          toolInvocation: {
            toolName: "generate_image",
            state: "result",
            result: { imageData: PIXEL },
          },
        },
        "tool-invocation",
      ),
    ],
  ])("shows a picture from before there were references: %s", (_, part) => {
    expect(viewPart([part], 0)).toEqual(alone(part));
  });

  it("adds nothing where it is about something else", () => {
    expect(viewPart([done({ pages: 3 }, "tool-look_up")], 0)).toBeNull();
    expect(viewPart([done({ url: "https://example.org/" }, "tool-look_up")], 0)).toBeNull();
  });
});

it("shows text that is there", () => {
  expect(viewPart([{ type: "text", text: "hello" }], 0)).toEqual({ kind: "text", text: "hello" });
  expect(viewPart([{ type: "text", text: "" }], 0)).toBeNull();
  expect(viewPart([{ type: "step-start" }], 0)).toBeNull();
});
