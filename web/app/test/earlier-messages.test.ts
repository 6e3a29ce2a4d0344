import type { UIMessage } from "ai";
import { describe, expect, it, vi } from "vitest";
import { EarlierMessages } from "../src/chat/earlier-messages.ts";

const message = (number: number): UIMessage => ({ id: `m${number}`, role: "user", parts: [] });
const ids = ({ messages }: { messages: UIMessage[] }) => messages.map(({ id }) => id);

/** Ten messages a page, from the end; the position of a message is its number. */
function conversation(count: number) {
  const page = (before: number, limit = 10) => {
    const first = Math.max(0, before - limit);
    const messages = Array.from({ length: before - first }, (_, index) => message(first + index));
    return Promise.resolve({ messages, before: first === 0 ? null : first });
  };
  const holder = {
    messages: Array.from({ length: 10 }, (_, index) => message(count - 10 + index)),
  };
  const fetchPage = vi.fn(page);
  return { holder, fetchPage, earlier: new EarlierMessages(holder, count - 10, fetchPage) };
}

describe("EarlierMessages", () => {
  it("puts pages in front until there are no more", async () => {
    const { holder, earlier } = conversation(25);
    expect(earlier.status).toBe("more");
    await earlier.load();
    expect(ids(holder)[0]).toBe("m5");
    expect(earlier.status).toBe("more");
    await earlier.load();
    expect(ids(holder)).toEqual(Array.from({ length: 25 }, (_, index) => `m${index}`));
    expect(earlier.status).toBe("none");
    await earlier.load();
    expect(holder.messages).toHaveLength(25);
  });

  it("has nothing to load where all is loaded", () => {
    expect(new EarlierMessages({ messages: [] }, null, vi.fn()).status).toBe("none");
  });

  it("loads one page at a time, and tells its listeners", async () => {
    const { earlier, fetchPage } = conversation(50);
    const seen: string[] = [];
    const leave = earlier.subscribe(() => seen.push(earlier.status));
    await Promise.all([earlier.load(), earlier.load(), earlier.load()]);
    expect(fetchPage).toHaveBeenCalledOnce();
    expect(seen).toEqual(["loading", "more"]);
    leave();
    await earlier.load();
    expect(seen).toHaveLength(2);
  });

  it("leaves what came meanwhile at the end", async () => {
    const { holder, earlier } = conversation(20);
    const loading = earlier.load();
    holder.messages = [...holder.messages, message(20)];
    await loading;
    expect(ids(holder)).toEqual(Array.from({ length: 21 }, (_, index) => `m${index}`));
  });

  it("never shows a message twice", async () => {
    const { holder, earlier } = conversation(20);
    holder.messages = [message(9), ...holder.messages];
    await earlier.load();
    expect(new Set(ids(holder)).size).toBe(holder.messages.length);
  });

  it("tells of a failure, and tries again when asked", async () => {
    const { earlier, fetchPage } = conversation(20);
    fetchPage.mockRejectedValueOnce(new Error("no network"));
    await earlier.load();
    expect(earlier.status).toBe("failed");
    await earlier.load();
    expect(earlier.status).toBe("none");
  });

  it("goes back until a message is there, in large steps", async () => {
    const { holder, earlier, fetchPage } = conversation(1000);
    expect(await earlier.loadUntil("m650")).toBe(true);
    expect(fetchPage).toHaveBeenCalledTimes(2);
    expect(holder.messages.length).toBe(410);
    expect(await earlier.loadUntil("unknown")).toBe(false);
    expect(holder.messages).toHaveLength(1000);
  });

  it("gives up looking where a page cannot be read", async () => {
    const { earlier, fetchPage } = conversation(1000);
    fetchPage.mockRejectedValue(new Error("no network"));
    expect(await earlier.loadUntil("m0")).toBe(false);
    expect(fetchPage).toHaveBeenCalledOnce();
  });
});
