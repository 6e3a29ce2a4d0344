/** The server answered with an error, or (status 0) not at all. The message is fit to be shown. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(message: string, options: ErrorOptions & { readonly status: number }) {
    super(message, options);
    this.status = options.status;
  }
}

interface RequestOptions {
  readonly method?: "GET" | "PATCH" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Asks the server and reads its JSON. Rejects with an `ApiError`, or with the signal's reason. */
export async function requestJson(path: string, options: RequestOptions = {}): Promise<unknown> {
  const { method = "GET", body, signal } = options;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      // The browser's own cache does not know whose an answer is; the worker's does.
      cache: "no-store",
      headers: { accept: "application/json", ...(body === undefined ? {} : JSON_BODY) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new ApiError(error instanceof Error ? error.message : String(error), {
      status: 0,
      cause: error,
    });
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const { status } = response;
    throw new ApiError(problemDetail(answer) ?? `HTTP ${status}`, { status });
  }
  return answer;
}

/** A member of an object from outside, or undefined. */
export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** A member that must be a list; an answer without it cannot be used. */
export function listIn(body: unknown, name: string): readonly unknown[] {
  const list = field(body, name);
  if (!Array.isArray(list)) {
    throw new ApiError("The server answered in a form that the page cannot read.", { status: 0 });
  }
  return list;
}

/** What to tell the reader of an error, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const JSON_BODY = { "content-type": "application/json" };

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
