import process from "node:process";
import type { UIMessage } from "ai";

/** The server's address, `http://host:port`. */
export const server = required("COATCHECK_URL");

/** A proxy's address in front of its WebSocket, which loses connections. */
export const lossy = required("COATCHECK_LOSSY_URL");

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set; tests/integration/test_browser_client.py does that.`);
  }
  return value;
}

/** What the server holds of a conversation. */
export async function history(id: string): Promise<{ messages: UIMessage[]; seq: number }> {
  const response = await fetch(`${server}/api/conversations/${id}/messages`);
  return response.json();
}

/** What can be compared of messages: without the bytes that came along. */
export function plain(messages: readonly UIMessage[]): unknown {
  return JSON.parse(
    JSON.stringify(messages, (name, value) =>
      name === "thumbnail" || name === "providerMetadata" ? undefined : value,
    ),
  );
}

/** Messages without what differs from one run to the next: ids and times. */
export function anonymous(messages: readonly UIMessage[]): string {
  return JSON.stringify(plain(messages))
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/gu, "ID")
    .replaceAll(/call_[0-9a-f]+/gu, "CALL")
    .replaceAll(/"timestamp":"[^"]*"/gu, '"timestamp":"NOW"');
}
