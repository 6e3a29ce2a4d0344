// @vitest-environment happy-dom
import { cleanup, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { richText } from "../src/shell/parts.ts";
import { Markdown } from "../src/transcript/markdown.tsx";

beforeEach(async () => {
  await richText.load();
});
afterEach(cleanup);

it("shows text as it was written until what reads it is there", async () => {
  vi.resetModules();
  const { Markdown: Fresh } = await import("../src/transcript/markdown.tsx");
  const text = "one *two*\n\nthree";
  const { container } = render(<Fresh text={text} />);
  expect([...container.querySelectorAll("p")].map(({ textContent }) => textContent)).toEqual([
    "one *two*",
    "three",
  ]);
  expect(container.querySelector("em")).toBeNull();
  await vi.waitFor(() => expect(container.querySelector("em")?.textContent).toBe("two"));
});

it("never fetches an image that the text names", () => {
  const { container } = render(<Markdown text="![a beacon](https://evil.example/x.png)" />);
  expect(container.querySelector("img")).toBeNull();
  expect(container.textContent).toContain("a beacon");
});

it("drops raw HTML and script addresses", () => {
  const { container } = render(
    <Markdown text="<img src=x onerror='alert(1)'> [click](javascript:alert(1)) <b>bold</b>" />,
  );
  expect(container.querySelector("img, b")).toBeNull();
  expect(container.textContent).not.toContain("<");
  expect(container.querySelector("a")?.getAttribute("href")).toBe("");
});

it("opens links elsewhere, without a referrer", () => {
  const { container } = render(<Markdown text="[docs](https://example.org)" />);
  expect(container.querySelector("a")?.rel).toContain("noreferrer");
  expect(container.querySelector("a")?.target).toBe("_blank");
});
