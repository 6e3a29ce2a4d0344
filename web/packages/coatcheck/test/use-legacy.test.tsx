// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { ImageGenerationWidget } from "coatcheck/react";
import { afterEach, expect, it, vi } from "vitest";

const network = vi.hoisted(() => ({ isDown: true }));

// Stands for the file of a bundle that could not be fetched, then could.
vi.mock("../src/react/legacy-part.tsx", async (original) => {
  if (network.isDown) {
    throw new TypeError("Failed to fetch dynamically imported module");
  }
  return await original();
});

afterEach(cleanup);

it("shows a place, says so when its file cannot be had, and fetches it again when asked", async () => {
  const part = { type: "tool-draw", state: "output-available", output: { imageUrl: "/old/7.png" } };
  const { container } = render(<ImageGenerationWidget part={part} />);
  expect(screen.getByRole("status").textContent).toBe("Loading…");
  await waitFor(() => expect(screen.getByRole("alert")).toBeTruthy());
  network.isDown = false;
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(container.querySelector('img[src="/old/7.png"]')).not.toBeNull());
});
