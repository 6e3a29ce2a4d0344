import { expect, it } from "vitest";
import { relativeTime } from "../src/conversations/relative-time.ts";

const NOW = new Date("2026-03-01T12:00:00Z");

it.each([
  ["2026-03-01T12:03:00Z", "now"],
  ["2026-03-01T11:59:30Z", "now"],
  ["2026-03-01T11:59:00Z", "1 min. ago"],
  ["2026-03-01T11:00:00Z", "1 hr. ago"],
  ["2026-02-28T12:00:00Z", "yesterday"],
  ["2026-02-20T12:00:00Z", "last wk."],
  ["2025-02-20T12:00:00Z", "last yr."],
])("%s is %s", (then, text) => {
  expect(relativeTime(new Date(then), NOW, "en")).toBe(text);
});
