import { expect, it } from "vitest";

it("can be imported where there is no document", async () => {
  expect(typeof document).toBe("undefined");
  const { CoatImage } = await import("coatcheck/element");
  expect(CoatImage.observedAttributes).toContain("reference");
});
