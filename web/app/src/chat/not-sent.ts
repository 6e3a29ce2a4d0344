import { ChatTransportError } from "coatcheck/ai";

/** Whether the message never left the page, so that sending it again cannot send it twice. */
export function wasNotSent(error: Error | undefined): boolean {
  return error instanceof ChatTransportError && error.code === "unreachable";
}
