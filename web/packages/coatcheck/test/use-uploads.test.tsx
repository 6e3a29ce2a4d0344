// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { useUploads } from "coatcheck/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeRequest } from "./fake-request.ts";
import { lighthouse } from "./samples.ts";

beforeEach(() => {
  FakeRequest.all = [];
});
afterEach(cleanup);

const file = new File(["x"], "sea.png", { type: "image/png" });

function render(onDiscard = vi.fn()) {
  return renderHook(
    // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
    () => useUploads({ XMLHttpRequest: FakeRequest, onDiscard }),
    { wrapper: StrictMode },
  );
}

it("shows files as they come in and hands them over", async () => {
  const { result } = render();
  act(() => result.current.add([file]));
  expect(result.current.isBusy).toBe(true);
  expect(result.current.items[0]?.state).toEqual({ status: "sending", progress: 0 });
  await act(async () => FakeRequest.last.answer(201, lighthouse));
  expect(result.current.isBusy).toBe(false);
  expect(result.current.items[0]?.state.status).toBe("ready");
  act(() => {
    expect(result.current.take()).toEqual([lighthouse]);
  });
  expect(result.current.items).toEqual([]);
});

it("stops and discards what nobody took when it goes away", async () => {
  const onDiscard = vi.fn();
  const { result, unmount } = render(onDiscard);
  act(() => result.current.add([file]));
  await act(async () => FakeRequest.last.answer(201, lighthouse));
  act(() => result.current.add([file]));
  unmount();
  expect(FakeRequest.last.aborted).toBe(true);
  expect(onDiscard).toHaveBeenCalledExactlyOnceWith(lighthouse);
});
