/**
 * Why a turn could not be carried to its end.
 *
 * - `unreachable`: no connection could be opened; the message was not sent.
 * - `disconnected`: the connection was lost and did not come back; the server may have gone on.
 * - `expired`: what was missed cannot be had any more; the conversation is to be read anew.
 * - `busy`: another turn is running on this connection.
 * - `unsupported`: the operation is not part of the wire format.
 * - `refused`: the server ended the turn with an error of its own; see `serverCode`.
 */
export type ChatTransportErrorCode =
  | "unreachable"
  | "disconnected"
  | "expired"
  | "busy"
  | "unsupported"
  | "refused";

/** An error of the chat's transport, with a message fit to be shown to a reader. */
export class ChatTransportError extends Error {
  override readonly name = "ChatTransportError";
  readonly code: ChatTransportErrorCode;
  /** The stable code of the server's `error` chunk, where it gave one. */
  readonly serverCode: string | null;

  constructor(code: ChatTransportErrorCode, message: string, serverCode: string | null = null) {
    super(message);
    this.code = code;
    this.serverCode = serverCode;
  }
}

/** The stable code of an `error` chunk, where it has one. */
export function codeOf(chunk: { readonly errorText: string }): string | null {
  return "code" in chunk && typeof chunk.code === "string" ? chunk.code : null;
}

export function unreachable(): ChatTransportError {
  return new ChatTransportError("unreachable", "The server could not be reached.");
}

export function disconnected(): ChatTransportError {
  return new ChatTransportError(
    "disconnected",
    "The connection was lost before the answer was complete.",
  );
}

export function expired(): ChatTransportError {
  return new ChatTransportError(
    "expired",
    "The connection was lost for so long that the answer has to be read anew.",
  );
}
