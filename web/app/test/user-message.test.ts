import type { UIMessage } from "ai";
import type { MediaReference } from "coatcheck";
import { expect, it } from "vitest";
import { messageOf, titleOf } from "../src/conversations/user-message.ts";

const reference: MediaReference = {
  type: "media_reference",
  version: 1,
  id: "11111111-1111-4111-8111-111111111111",
  uri: "media://11111111-1111-4111-8111-111111111111",
  mimeType: "image/png",
  size: 1,
  digest: `sha-256:${"0".repeat(64)}`,
  displayName: "lamp.png",
};
const sent = (text: string, ...pictures: MediaReference[]) =>
  ({ id: "m", ...messageOf(text, pictures) }) as UIMessage;

it("is pictures by reference, then words; and either may be missing", () => {
  const media = { type: "data-media", id: reference.id, data: { state: "ready", reference } };
  expect(messageOf("look", [reference]).parts).toEqual([media, { type: "text", text: "look" }]);
  expect(messageOf("", [reference]).parts).toEqual([media]);
  expect(messageOf("look", []).parts).toEqual([{ type: "text", text: "look" }]);
});

it("names a conversation by its words, else by its first picture", () => {
  expect(titleOf(sent("look", reference)).trim()).toBe("look");
  expect(titleOf(sent("", { ...reference, alt: "a lamp" }))).toBe("a lamp");
  expect(titleOf(sent("", reference))).toBe("lamp.png");
  expect(titleOf(undefined)).toBe("");
});
