/**
 * Why a turn could not be carried to its end.
 *
 * - `unreachable`: no connection could be opened; the message was not sent.
 * - `disconnected`: the connection closed before the turn ended; the server may have gone on.
 * - `protocol`: the server sent a frame that cannot be read, or frames were lost.
 * - `busy`: another turn is running on this connection.
 * - `unsupported`: the operation is not part of the wire format.
 * - `refused`: the server ended the turn with an error of its own; see `serverCode`.
 */
export type ChatTransportErrorCode =
  | "unreachable"
  | "disconnected"
  | "protocol"
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
