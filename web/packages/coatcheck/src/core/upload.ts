import { withQueryParameter } from "./address.ts";
import { type MediaReference, parseReference } from "./reference.ts";

/**
 * Why a file was not taken in.
 *
 * - `offline`: the browser has no network.
 * - `unreachable`: the server could not be reached, or the connection broke off.
 * - `too-large`: the file is larger than is accepted.
 * - `too-many`: there are as many files as one message takes.
 * - `unsupported`: the file is of a type that is not accepted, or damaged.
 * - `refused`: the server refused it for another reason; see `serverCode`.
 * - `unreadable`: the server's answer is no reference.
 * - `cancelled`: the reader stopped it.
 */
export type UploadErrorCode =
  | "offline"
  | "unreachable"
  | "too-large"
  | "too-many"
  | "unsupported"
  | "refused"
  | "unreadable"
  | "cancelled";

/** An upload that did not come to its end, with a message fit to be shown to a reader. */
export class UploadError extends Error {
  override readonly name = "UploadError";
  readonly code: UploadErrorCode;
  /** The stable code of the server's answer, where it gave one. */
  readonly serverCode: string | null;

  constructor(code: UploadErrorCode, message: string, serverCode: string | null = null) {
    super(message);
    this.code = code;
    this.serverCode = serverCode;
  }

  /** Whether the same file may pass another time. */
  get canRetry(): boolean {
    return this.code !== "too-large" && this.code !== "unsupported";
  }
}

/** The part of the browser's `XMLHttpRequest` that an upload uses. */
export interface UploadRequest {
  readonly status: number;
  readonly responseText: string;
  readonly upload: {
    /** Calls the listener as bytes leave. */
    addEventListener(
      type: "progress",
      listener: (event: { readonly loaded: number; readonly total: number }) => void,
    ): void;
  };
  /** Says what is asked of whom. */
  open(method: string, url: string): void;
  /** Sends the file. */
  send(body: Blob): void;
  /** Stops. */
  abort(): void;
  /** Calls the listener when it is over. */
  addEventListener(type: "load" | "error" | "abort", listener: () => void): void;
}

/** Constructs a request, like `XMLHttpRequest` itself. */
export type UploadRequestConstructor = new () => UploadRequest;

/** Options of {@link uploadFile}. */
export interface UploadOptions {
  /** The endpoint that takes the file as its body. */
  readonly url: string;
  /** Ends the upload when it is aborted. */
  readonly signal: AbortSignal;
  /** Called with the share of the bytes that are on their way, 0 to 1. */
  readonly onProgress: (progress: number) => void;
  /** Defaults to the global `XMLHttpRequest`: `fetch` tells of no progress in sending. */
  // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
  readonly XMLHttpRequest?: UploadRequestConstructor;
}

/**
 * Hands a file in and resolves to its reference.
 *
 * The type that the file claims goes along; the server looks for itself.
 *
 * @throws {UploadError} for whatever goes wrong.
 */
export function uploadFile(file: File, options: UploadOptions): Promise<MediaReference> {
  const { url, signal, onProgress } = options;
  const request = new (options.XMLHttpRequest ?? globalThis.XMLHttpRequest)();
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    const onAbort = () => request.abort();
    const settle = (outcome: () => void) => () => {
      signal.removeEventListener("abort", onAbort);
      outcome();
    };
    signal.addEventListener("abort", onAbort);
    request.upload.addEventListener("progress", ({ loaded, total }) =>
      onProgress(total > 0 ? Math.min(1, loaded / total) : 0),
    );
    request.addEventListener(
      "load",
      settle(() => {
        const answer = readAnswer(request);
        if (answer instanceof UploadError) {
          reject(answer);
        } else {
          resolve(answer);
        }
      }),
    );
    request.addEventListener(
      "error",
      settle(() => reject(lost())),
    );
    request.addEventListener(
      "abort",
      settle(() => reject(cancelled())),
    );
    request.open("POST", withQueryParameter(url, "filename", file.name));
    request.send(file);
  });
}

const CREATED = 201;
const TOO_LARGE = new Set(["media_too_large"]);
const UNSUPPORTED = new Set([
  "unsupported_media_type",
  "unprocessable_media",
  "pixel_budget_exceeded",
  "empty_media",
]);

function readAnswer({ status, responseText }: UploadRequest): MediaReference | UploadError {
  const body = parseJson(responseText);
  if (status === CREATED) {
    return (
      parseReference(body) ??
      new UploadError("unreadable", "The server answered in a form that the page cannot read.")
    );
  }
  const serverCode = text(body, "code");
  const message = text(body, "detail") ?? `The server refused the file (HTTP ${status}).`;
  return new UploadError(errorCode(serverCode), message, serverCode);
}

function errorCode(serverCode: string | null): UploadErrorCode {
  if (serverCode !== null && TOO_LARGE.has(serverCode)) {
    return "too-large";
  }
  return serverCode !== null && UNSUPPORTED.has(serverCode) ? "unsupported" : "refused";
}

function lost(): UploadError {
  return globalThis.navigator?.onLine === false
    ? new UploadError("offline", "There is no network. Try again when you are back online.")
    : new UploadError("unreachable", "The connection to the server was lost.");
}

function cancelled(): UploadError {
  return new UploadError("cancelled", "Stopped.");
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function text(value: unknown, name: string): string | null {
  const member =
    typeof value === "object" && value !== null
      ? (value as Readonly<Record<string, unknown>>)[name]
      : null;
  return typeof member === "string" && member !== "" ? member : null;
}
