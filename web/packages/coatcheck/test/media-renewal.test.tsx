// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { RefreshReference } from "coatcheck";
import { MediaImage, MediaRefreshContext } from "coatcheck/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { lighthouse } from "./samples.ts";

const FRESH = "/api/media/image/fresh?sig=2";

let status: number;
beforeEach(() => {
  status = 403;
  vi.spyOn(HTMLImageElement.prototype, "decode").mockResolvedValue(undefined);
  vi.spyOn(globalThis, "fetch").mockImplementation(
    async () => new Response(null, { status }) as Response,
  );
});
afterEach(cleanup);

const box = () => screen.getByTestId("media-image");
const image = (address: string | undefined) => box().querySelector(`img[src="${address}"]`);
const fail = (address: string | undefined) => fireEvent.error(image(address) as Element);
const renewing = () => vi.fn<RefreshReference>().mockResolvedValue({ ...lighthouse, url: FRESH });

it("gets a fresh address for one that has expired, and shows it", async () => {
  const refresh = renewing();
  render(<MediaImage reference={lighthouse} refresh={refresh} />);
  fail(lighthouse.url);
  await waitFor(() => expect(image(FRESH)).not.toBeNull());
  expect(screen.queryByRole("alert")).toBeNull();
  await act(async () => fireEvent.load(image(FRESH) as Element));
  expect(box().dataset["phase"]).toBe("full");
  expect(refresh).toHaveBeenCalledExactlyOnceWith(lighthouse.id);
});

it("takes the page's way to refresh", async () => {
  render(
    <MediaRefreshContext value={renewing()}>
      <MediaImage reference={lighthouse} />
    </MediaRefreshContext>,
  );
  fail(lighthouse.url);
  await waitFor(() => expect(image(FRESH)).not.toBeNull());
});

it("renews once: a fresh address that fails too is a failure", async () => {
  const refresh = renewing();
  render(<MediaImage reference={lighthouse} refresh={refresh} />);
  fail(lighthouse.url);
  await waitFor(() => expect(image(FRESH)).not.toBeNull());
  fail(FRESH);
  expect(box().dataset["phase"]).toBe("failed");
  expect(refresh).toHaveBeenCalledTimes(1);
});

it("renews once more after the reader has asked for it", async () => {
  const refresh = renewing();
  render(<MediaImage reference={lighthouse} refresh={refresh} />);
  fail(lighthouse.url);
  await waitFor(() => expect(image(FRESH)).not.toBeNull());
  fail(FRESH);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  fail(FRESH);
  await waitFor(() => expect(refresh).toHaveBeenCalledTimes(2));
});

it("does not renew what is gone", async () => {
  status = 404;
  const refresh = renewing();
  render(<MediaImage reference={lighthouse} refresh={refresh} />);
  fail(lighthouse.url);
  await waitFor(() => expect(screen.getByRole("alert")).toBeTruthy());
  expect(refresh).not.toHaveBeenCalled();
});

it("fails where the page has no way to refresh", () => {
  render(<MediaImage reference={lighthouse} />);
  fail(lighthouse.url);
  expect(box().dataset["phase"]).toBe("failed");
});

it("tries again by itself when the browser is back online", () => {
  render(<MediaImage reference={lighthouse} />);
  fail(lighthouse.url);
  act(() => {
    globalThis.dispatchEvent(new Event("online"));
  });
  expect(box().dataset["phase"]).toBe("placeholder");
  expect(image(lighthouse.url)).not.toBeNull();
});
