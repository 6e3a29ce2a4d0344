// @vitest-environment happy-dom
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useConversationPages } from "../src/conversations/use-conversation-pages.ts";

const fetching = vi.fn<typeof fetch>();
/** Conversations by number, the highest first; the server's own list. */
let numbers: number[] = [];

beforeEach(() => {
  numbers = Array.from({ length: 7 }, (_, index) => 7 - index);
  fetching.mockReset();
  // Three a page.
  fetching.mockImplementation((address) => {
    const { searchParams } = new URL(String(address), "http://page.test");
    const words = searchParams.get("q") ?? "";
    const found = numbers.filter((number) => `c${number}`.includes(words));
    const before = Number(searchParams.get("before") ?? "1000");
    const rest = found.filter((number) => number < before);
    const page = rest.slice(0, 3);
    return Promise.resolve(
      Response.json({
        conversations: page.map((number) => ({
          id: `c${number}`,
          title: `c${number}`,
          updatedAt: new Date(number * 1000).toISOString(),
        })),
        ...(rest.length > 3 ? { before: String(page.at(-1)) } : {}),
      }),
    );
  });
  vi.stubGlobal("fetch", fetching);
});
afterEach(cleanup);

function render(query = "", enabled = true) {
  const view = renderHook(
    (props: { query: string; enabled: boolean }) =>
      useConversationPages(props.query, props.enabled),
    { initialProps: { query, enabled } },
  );
  const titles = () => view.result.current.conversations.map(({ title }) => title).join(" ");
  return { ...view, titles };
}

it("grows by pages to the end", async () => {
  const { result, titles } = render();
  expect(result.current.status).toBe("loading");
  await waitFor(() => expect(titles()).toBe("c7 c6 c5"));
  expect(result.current.more).toBe("idle");
  act(() => result.current.loadMore());
  expect(result.current.more).toBe("loading");
  await waitFor(() => expect(titles()).toBe("c7 c6 c5 c4 c3 c2"));
  act(() => result.current.loadMore());
  await waitFor(() => expect(titles()).toBe("c7 c6 c5 c4 c3 c2 c1"));
  expect(result.current.more).toBeNull();
});

it("keeps the older pages when the first one is read again", async () => {
  const { result, titles } = render();
  await waitFor(() => expect(titles()).toBe("c7 c6 c5"));
  act(() => result.current.loadMore());
  await waitFor(() => expect(titles()).toBe("c7 c6 c5 c4 c3 c2"));
  numbers = [8, ...numbers.filter((number) => number !== 6)];
  act(() => result.current.refresh());
  await waitFor(() => expect(titles()).toBe("c8 c7 c5 c4 c3 c2"));
  act(() => result.current.loadMore());
  await waitFor(() => expect(titles()).toBe("c8 c7 c5 c4 c3 c2 c1"));
});

it("shows what was last known when the server does not answer", async () => {
  const { result, titles } = render();
  await waitFor(() => expect(titles()).toBe("c7 c6 c5"));
  fetching.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  act(() => result.current.refresh());
  await waitFor(() => expect(result.current.status).toBe("stale"));
  expect(titles()).toBe("c7 c6 c5");
  fetching.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  act(() => result.current.loadMore());
  await waitFor(() => expect(result.current.more).toBe("failed"));
});

it("shows changes ahead of the server", async () => {
  const { result, titles } = render();
  await waitFor(() => expect(titles()).toBe("c7 c6 c5"));
  act(() => result.current.amend("c6", { title: "lamps" }));
  expect(titles()).toBe("c7 lamps c5");
  act(() => result.current.amend("c7", null));
  expect(titles()).toBe("lamps c5");
});

it("never mixes what was found for different words", async () => {
  const { result, titles, rerender } = render("c");
  await waitFor(() => expect(titles()).toBe("c7 c6 c5"));
  act(() => result.current.loadMore());
  await waitFor(() => expect(titles()).toBe("c7 c6 c5 c4 c3 c2"));
  rerender({ query: "c4", enabled: true });
  // A second reason to read while the first answer is on its way.
  act(() => result.current.refresh());
  await waitFor(() => expect(titles()).toBe("c4"));
  expect(result.current.more).toBeNull();
});

it("asks for nothing and forgets everything while it is not wanted", async () => {
  const { titles, rerender, result } = render("c", false);
  expect(fetching).not.toHaveBeenCalled();
  rerender({ query: "c", enabled: true });
  await waitFor(() => expect(titles()).toBe("c7 c6 c5"));
  rerender({ query: "", enabled: false });
  await waitFor(() => expect(result.current.status).toBe("loading"));
  expect(titles()).toBe("");
});
