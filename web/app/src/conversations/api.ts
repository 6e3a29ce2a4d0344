import type { UIMessage } from "ai";
import type { History } from "../chat/sessions.ts";

/** One line of the conversation list. */
export interface ConversationSummary {
  readonly id: string;
  readonly title: string;
  readonly updatedAt: Date | null;
}

/** The server answered with an error, or (status 0) not at all. The message is fit to be shown. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(message: string, options: ErrorOptions & { readonly status: number }) {
    super(message, options);
    this.status = options.status;
  }
}

/** All conversations, newest first. */
export async function fetchConversations(signal: AbortSignal): Promise<ConversationSummary[]> {
  const body = await getJson("/api/conversations", signal);
  return listIn(body, "conversations").flatMap((entry) => readSummary(entry) ?? []);
}

/** What a conversation holds, oldest first. Rejects with status 404 when there is none. */
export async function fetchHistory(id: string, signal: AbortSignal): Promise<History> {
  const body = await getJson(`/api/conversations/${encodeURIComponent(id)}/messages`, signal);
  const seq = field(body, "seq");
  return {
    messages: listIn(body, "messages").filter(isMessage),
    seq: Number.isSafeInteger(seq) ? Number(seq) : 0,
  };
}

async function getJson(path: string, signal: AbortSignal): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, { headers: { accept: "application/json" }, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new ApiError(error instanceof Error ? error.message : String(error), {
      status: 0,
      cause: error,
    });
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const { status } = response;
    throw new ApiError(problemDetail(body) ?? `HTTP ${status}`, { status });
  }
  return body;
}

/** RFC 9457: `detail` speaks of this occurrence, `title` of its kind. */
function problemDetail(body: unknown): string | null {
  for (const name of ["detail", "title"]) {
    const value = field(body, name);
    if (typeof value === "string" && value !== "") {
      return value;
    }
  }
  return null;
}

function readSummary(entry: unknown): ConversationSummary | null {
  const id = field(entry, "id");
  const title = field(entry, "title");
  const updatedAt = new Date(String(field(entry, "updatedAt")));
  if (typeof id !== "string") {
    return null;
  }
  return {
    id,
    title: typeof title === "string" && title !== "" ? title : "Untitled conversation",
    updatedAt: Number.isNaN(updatedAt.getTime()) ? null : updatedAt,
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

function listIn(body: unknown, name: string): readonly unknown[] {
  const list = field(body, name);
  if (!Array.isArray(list)) {
    throw new ApiError("The server answered in a form that the page cannot read.", { status: 0 });
  }
  return list;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
