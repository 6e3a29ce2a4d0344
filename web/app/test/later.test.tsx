// @vitest-environment happy-dom
import { act, cleanup, render } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { Later, type LoadFailure, useLater, whenIdle } from "../src/shell/later.ts";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

interface ShownProps {
  readonly later: Later<string>;
  readonly wanted?: boolean;
  readonly onFailure?: (failure: LoadFailure) => void;
}

// biome-ignore lint/style/useComponentExportOnlyModules: a test has no fast refresh
function Shown({ later, wanted = true, ...rest }: ShownProps) {
  return <p>{useLater(later, { wanted, ...rest }) ?? "…"}</p>;
}

it("shows what was loaded before in the very first render", async () => {
  const later = new Later(async () => "here");
  await later.load();
  const { container } = render(<Shown later={later} />);
  expect(container.textContent).toBe("here");
});

it("is loaded once, by whoever needs it first", async () => {
  const load = vi.fn(async () => "here");
  const later = new Later(load);
  const { container } = render(
    <>
      <Shown later={later} wanted={false} />
      <Shown later={later} />
    </>,
  );
  expect(container.textContent).toBe("……");
  await act(async () => {
    await later.load();
  });
  expect(container.textContent).toBe("herehere");
  expect(load).toHaveBeenCalledTimes(1);
});

it("is not loaded where it is not wanted", () => {
  const load = vi.fn(async () => "here");
  render(<Shown later={new Later(load)} wanted={false} />);
  expect(load).not.toHaveBeenCalled();
});

it("says that it failed, and is loaded by the next try", async () => {
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error("no network"));
  load.mockResolvedValue("here");
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  const later = new Later(load);
  const failed = vi.fn();
  const { container, rerender } = render(<Shown later={later} onFailure={failed} />);
  await vi.waitFor(() => expect(failed).toHaveBeenCalledTimes(1));
  rerender(<Shown later={later} wanted={false} onFailure={failed} />);
  rerender(<Shown later={later} onFailure={failed} />);
  await vi.waitFor(() => expect(container.textContent).toBe("here"));
  expect(failed).toHaveBeenCalledTimes(1);
});

it.each([
  ["a page that starts another script", () => pageWith("/assets/index-new.js"), "outdated"],
  ["the page that is open", () => pageWith("/assets/index-old.js"), "unreachable"],
  ["an error", () => new Response("", { status: 503 }), "unreachable"],
  ["nothing", () => Promise.reject(new TypeError("no network")), "unreachable"],
])("tells what is wrong where the server answers with %s", async (_, answer, expected) => {
  const entry = document.createElement("script");
  entry.setAttribute("src", "/assets/index-old.js");
  // Not in the document, which would run it.
  const looked = vi.spyOn(document, "querySelector").mockReturnValue(entry);
  const asked = vi.fn(async (_url: string, _options: RequestInit) => answer());
  vi.stubGlobal("fetch", asked);
  const failed = vi.fn();
  const later = new Later<string>(() => Promise.reject(new TypeError("not found")));
  render(<Shown later={later} onFailure={failed} />);
  await vi.waitFor(() => expect(failed).toHaveBeenCalledWith(expected));
  expect(asked).toHaveBeenCalledWith("/", { cache: "no-store" });
  expect(looked).toHaveBeenCalledWith("script[src]");
});

function pageWith(script: string): Response {
  return new Response(`<!doctype html><script type="module" src="${script}"></script>`);
}

it("works one piece at a time while the page is idle", () => {
  const idle: (() => void)[] = [];
  vi.stubGlobal("requestIdleCallback", (callback: () => void) => idle.push(callback));
  const done: number[] = [];
  whenIdle([1, 2].map((number) => () => void done.push(number)));
  expect(done).toEqual([]);
  idle[0]?.();
  expect([done, idle.length]).toEqual([[1], 2]);
  idle[1]?.();
  expect([done, idle.length]).toEqual([[1, 2], 2]);
});
