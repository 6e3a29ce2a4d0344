// @vitest-environment happy-dom
import { act, cleanup, render } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { Later, useLater, whenIdle } from "../src/shell/later.ts";

afterEach(cleanup);

interface ShownProps {
  readonly later: Later<string>;
  readonly wanted?: boolean;
  readonly onFailure?: () => void;
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
  const later = new Later(load);
  const failed = vi.fn();
  const { container, rerender } = render(<Shown later={later} onFailure={failed} />);
  await vi.waitFor(() => expect(failed).toHaveBeenCalledTimes(1));
  rerender(<Shown later={later} wanted={false} onFailure={failed} />);
  rerender(<Shown later={later} onFailure={failed} />);
  await vi.waitFor(() => expect(container.textContent).toBe("here"));
  expect(failed).toHaveBeenCalledTimes(1);
});

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
  vi.unstubAllGlobals();
});
