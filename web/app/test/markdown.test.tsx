// @vitest-environment happy-dom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Markdown } from "../src/transcript/markdown.tsx";

afterEach(cleanup);

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
