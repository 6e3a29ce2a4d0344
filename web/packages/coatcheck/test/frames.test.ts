import { parseChunkFrame } from "coatcheck/ai";
import { expect, it } from "vitest";

it("reads a chunk and its place in the sequence", () => {
  expect(parseChunkFrame('{"seq":3,"chunk":{"type":"text-delta","id":"t","delta":"hi"}}')).toEqual({
    seq: 3,
    chunk: { type: "text-delta", id: "t", delta: "hi" },
  });
});

it.each([
  "",
  "null",
  "[]",
  "{",
  '{"seq":1}',
  '{"chunk":{"type":"finish"}}',
  '{"seq":"1","chunk":{"type":"finish"}}',
  '{"seq":-1,"chunk":{"type":"finish"}}',
  '{"seq":1.5,"chunk":{"type":"finish"}}',
  '{"seq":1,"chunk":null}',
  '{"seq":1,"chunk":{}}',
  '{"seq":1,"chunk":{"type":7}}',
  new ArrayBuffer(8),
  undefined,
])("answers %j with null", (data) => {
  expect(parseChunkFrame(data)).toBeNull();
});
