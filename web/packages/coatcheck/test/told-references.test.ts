import type { UIMessageChunk } from "ai";
import { describe, expect, it } from "vitest";
import { ToldReferences } from "../src/ai/told-references.ts";

const ID = "11111111-1111-4111-8111-111111111111";
const reference = {
  type: "media_reference",
  version: 1,
  id: ID,
  url: `/api/media/image/${ID}`,
  thumbnailUrl: `/api/media/image/${ID}?thumbnail=true`,
};
const ready = { type: "data-media", id: "m1", data: { state: "ready", reference } } as const;

function result(imageReference: unknown, more: object = {}): UIMessageChunk {
  const output = { success: true, data: { imageReference, ...more, prompt: "a cat" } };
  return { type: "tool-output-available", toolCallId: "c", output };
}

describe("references that were told", () => {
  it("complete a result that names one by its id, with its addresses", () => {
    const told = new ToldReferences();
    expect(told.complete(ready)).toBe(ready);
    expect(told.complete(result({ type: "media_reference", id: ID }))).toEqual(
      result(reference, { fullImageUrl: reference.url, thumbnailUrl: reference.thumbnailUrl }),
    );
  });

  it("leave a whole result and every other chunk alone", () => {
    const told = new ToldReferences();
    told.complete(ready);
    const others: UIMessageChunk[] = [
      result(reference),
      result({ type: "media_reference", id: "unknown" }),
      result(null),
      { type: "tool-output-available", toolCallId: "c", output: "text" },
      { type: "text-delta", id: "1", delta: "x" },
      { type: "data-media", id: "m2", data: null },
    ];
    for (const chunk of others) {
      expect(told.complete(chunk)).toBe(chunk);
    }
  });

  it("are forgotten with their turn", () => {
    const told = new ToldReferences();
    told.complete(ready);
    told.clear();
    const named = result({ type: "media_reference", id: ID });
    expect(told.complete(named)).toBe(named);
  });
});
