import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  deleteConversation,
  exportAddress,
  fetchConversations,
  fetchMessages,
  renameConversation,
} from "../src/conversations/api.ts";
import { ApiError } from "../src/conversations/http.ts";

const { signal } = new AbortController();
const fetching = vi.fn<typeof fetch>();
const answer = (body: unknown, status = 200) =>
  fetching.mockResolvedValueOnce(new Response(JSON.stringify(body), { status }));
const asked = () => fetching.mock.calls.at(-1)?.[0];

beforeEach(() => {
  fetching.mockReset();
  vi.stubGlobal("fetch", fetching);
});

describe("the list", () => {
  it("asks for pages and for words, and for nothing that is not meant", async () => {
    answer({ conversations: [] });
    await fetchConversations({}, signal);
    expect(asked()).toBe("/api/conversations");
    answer({ conversations: [], before: "17-x" });
    const page = await fetchConversations({ query: "a & b", before: "18-y" }, signal);
    expect(asked()).toBe("/api/conversations?q=a+%26+b&before=18-y");
    expect(page.before).toBe("17-x");
  });

  it("reads what a search found, and passes over what it cannot read", async () => {
    const snippet = [{ text: "a " }, { text: "lamp", match: true }, { nothing: 1 }];
    answer({
      conversations: [
        { id: "1", title: "", updatedAt: "never", match: { messageId: "m", snippet } },
        { id: "2", title: "Two", updatedAt: "2026-11-22T12:00:00.000+00:00", match: "odd" },
        { title: "no id" },
        null,
      ],
    });
    const { conversations, before } = await fetchConversations({ query: "lamp" }, signal);
    expect(before).toBeNull();
    expect(conversations).toEqual([
      {
        id: "1",
        title: "Untitled conversation",
        updatedAt: null,
        match: {
          messageId: "m",
          snippet: [
            { text: "a ", match: false },
            { text: "lamp", match: true },
            { text: "", match: false },
          ],
        },
      },
      { id: "2", title: "Two", updatedAt: new Date("2026-11-22T12:00:00Z") },
    ]);
  });
});

it("asks for the messages before a place", async () => {
  answer({ messages: [{ id: "m", role: "user", parts: [] }, { role: "user" }], before: 51 });
  const page = await fetchMessages("a/b", { before: 101, limit: 200 });
  expect(asked()).toBe("/api/conversations/a%2Fb/messages?before=101&limit=200");
  expect(page).toEqual({ messages: [{ id: "m", role: "user", parts: [] }], before: 51 });
});

it("sends a new title, and takes the one that the server made of it", async () => {
  answer({ id: "1", title: "Lamps", updatedAt: "" });
  expect((await renameConversation("1", " Lamps ")).title).toBe("Lamps");
  expect(fetching.mock.calls[0]?.[1]).toMatchObject({
    method: "PATCH",
    body: '{"title":" Lamps "}',
  });
});

it("tells what the server says when it refuses, and that it does not answer", async () => {
  answer({ title: "Not Found", detail: "There is no conversation under this id." }, 404);
  await expect(deleteConversation("1")).rejects.toMatchObject({
    status: 404,
    message: "There is no conversation under this id.",
  });
  answer("<h1>", 502);
  await expect(deleteConversation("1")).rejects.toMatchObject({ message: "HTTP 502" });
  fetching.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  await expect(deleteConversation("1")).rejects.toMatchObject({ status: 0 });
  answer({ list: [] });
  await expect(fetchConversations({}, signal)).rejects.toBeInstanceOf(ApiError);
});

it("knows where a conversation is saved from", () => {
  expect(exportAddress("a b", "html")).toBe("/api/conversations/a%20b/export?format=html");
});
