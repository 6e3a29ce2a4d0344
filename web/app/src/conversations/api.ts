import type { UIMessage } from "ai";
import { ApiError, field, listIn, requestJson } from "./http.ts";

/** One line of the conversation list. */
export interface ConversationSummary {
  readonly id: string;
  readonly title: string;
  readonly updatedAt: Date | null;
  /** Where a search found its words, if that was in a message. */
  readonly match?: Match;
}

/** A message that a search found. */
export interface Match {
  readonly messageId: string;
  readonly snippet: readonly SnippetPiece[];
}

/** A piece of plain text; `match` marks a hit. */
export interface SnippetPiece {
  readonly text: string;
  readonly match: boolean;
}

/** Conversations, newest first; `before` leads to older ones, null where there are none. */
export interface ConversationPage {
  readonly conversations: ConversationSummary[];
  readonly before: string | null;
}

/**
 * Messages, oldest first; `before` leads to earlier ones, null where there are none. `seq` is where
 * the conversation's stream goes on from there.
 */
export interface MessagePage {
  readonly messages: UIMessage[];
  readonly before: number | null;
  readonly seq: number;
}

interface ListQuery {
  readonly query?: string;
  readonly before?: string | null;
}

/** The newest conversations, or those in which words stand. */
export async function fetchConversations(
  { query = "", before = null }: ListQuery,
  signal: AbortSignal,
): Promise<ConversationPage> {
  const search = parameters({ q: query, before: before ?? "" });
  const body = await requestJson(`${API}${search}`, { signal });
  const next = field(body, "before");
  return {
    conversations: listIn(body, "conversations").flatMap((entry) => readSummary(entry) ?? []),
    before: typeof next === "string" ? next : null,
  };
}

/** One conversation, also where no list holds it. */
export async function fetchConversation(
  id: string,
  signal: AbortSignal,
): Promise<ConversationSummary> {
  return summaryIn(await requestJson(pathOf(id), { signal }));
}

/** The last messages, or the last ones before a place. Rejects with status 404 when there is none. */
export async function fetchMessages(
  id: string,
  options: {
    readonly before?: number;
    readonly limit?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<MessagePage> {
  const { before, limit, signal } = options;
  const search = parameters({ before: before?.toString() ?? "", limit: limit?.toString() ?? "" });
  const body = await requestJson(
    `${pathOf(id)}/messages${search}`,
    signal === undefined ? {} : { signal },
  );
  const next = field(body, "before");
  const seq = field(body, "seq");
  return {
    messages: listIn(body, "messages").filter(isMessage),
    before: typeof next === "number" ? next : null,
    seq: Number.isSafeInteger(seq) ? Number(seq) : 0,
  };
}

/** Changes a title; the server's cleaned version of it comes back. */
export async function renameConversation(id: string, title: string): Promise<ConversationSummary> {
  return summaryIn(await requestJson(pathOf(id), { method: "PATCH", body: { title } }));
}

/** Deletes a conversation; it can be restored for a while. */
export async function deleteConversation(id: string): Promise<void> {
  await requestJson(pathOf(id), { method: "DELETE" });
}

/** Takes a deletion back. */
export async function restoreConversation(id: string): Promise<ConversationSummary> {
  return summaryIn(await requestJson(`${pathOf(id)}/restore`, { method: "POST" }));
}

/** Where a conversation can be saved from. */
export function exportAddress(id: string, format: "html" | "jsonl"): string {
  return `${pathOf(id)}/export?format=${format}`;
}

/** Deletes media that was uploaded and is not wanted, in the background. */
export function discardMedia(id: string): void {
  fetch(`/api/media/${encodeURIComponent(id)}`, { method: "DELETE", keepalive: true }).catch(
    // The server has a little more to keep; there is nothing that the reader could do.
    () => undefined,
  );
}

const API = "/api/conversations";

function pathOf(id: string): string {
  return `${API}/${encodeURIComponent(id)}`;
}

function parameters(given: Readonly<Record<string, string>>): string {
  const filled = Object.entries(given).filter(([, value]) => value !== "");
  return filled.length === 0 ? "" : `?${new URLSearchParams(filled)}`;
}

function summaryIn(body: unknown): ConversationSummary {
  const summary = readSummary(body);
  if (summary === null) {
    throw new ApiError("The server answered in a form that the page cannot read.", { status: 0 });
  }
  return summary;
}

function readSummary(entry: unknown): ConversationSummary | null {
  const id = field(entry, "id");
  const title = field(entry, "title");
  const updatedAt = new Date(String(field(entry, "updatedAt")));
  if (typeof id !== "string") {
    return null;
  }
  const match = readMatch(field(entry, "match"));
  return {
    id,
    title: typeof title === "string" && title !== "" ? title : "Untitled conversation",
    updatedAt: Number.isNaN(updatedAt.getTime()) ? null : updatedAt,
    ...(match === null ? {} : { match }),
  };
}

function readMatch(value: unknown): Match | null {
  const messageId = field(value, "messageId");
  const snippet = field(value, "snippet");
  if (typeof messageId !== "string" || !Array.isArray(snippet)) {
    return null;
  }
  return {
    messageId,
    snippet: snippet.map((piece: unknown) => ({
      text: String(field(piece, "text") ?? ""),
      match: field(piece, "match") === true,
    })),
  };
}

function isMessage(entry: unknown): entry is UIMessage {
  const role = field(entry, "role");
  const parts = field(entry, "parts");
  return (
    typeof field(entry, "id") === "string" &&
    (role === "user" || role === "assistant") &&
    Array.isArray(parts) &&
    parts.every((part) => typeof field(part, "type") === "string")
  );
}
