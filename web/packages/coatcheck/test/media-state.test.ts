import { parseMediaState } from "coatcheck";
import { expect, it } from "vitest";
import { lighthouse } from "./samples.ts";

it("reads each state of a media part", () => {
  expect(parseMediaState({ state: "pending", width: 1024, height: 768, alt: "a lake" })).toEqual({
    state: "pending",
    dimensions: { width: 1024, height: 768 },
    alt: "a lake",
  });
  expect(parseMediaState({ state: "preview", progress: 0.5, thumbnailUrl: "/p/1" })).toEqual({
    state: "preview",
    dimensions: null,
    progress: 0.5,
    thumbnailUrl: "/p/1",
    blob: null,
  });
  expect(parseMediaState({ state: "ready", reference: lighthouse })).toEqual({
    state: "ready",
    reference: lighthouse,
    thumbnail: null,
  });
  expect(parseMediaState({ state: "failed", error: { code: "c", message: "m" } })).toEqual({
    state: "failed",
    code: "c",
    message: "m",
  });
});

it("keeps hostile values out of a state", () => {
  expect(
    parseMediaState({ state: "preview", progress: 7, thumbnailUrl: "javascript:alert(1)" }),
  ).toMatchObject({ progress: 1, thumbnailUrl: null });
  expect(parseMediaState({ state: "pending", width: -1, height: 1e9 })).toMatchObject({
    dimensions: null,
  });
});

it.each([
  ["null", null],
  ["an unknown state", { state: "dreaming" }],
  ["a ready state without a reference", { state: "ready", reference: {} }],
])("shows %s as unreadable instead of dropping it", (_, data) => {
  expect(parseMediaState(data)).toMatchObject({ state: "failed", code: "media_unreadable" });
});
