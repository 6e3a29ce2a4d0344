import type { CreateUIMessage, UIMessage } from "ai";
import { type MediaReference, parseMediaState } from "coatcheck";

/** A message of the reader's: words, and pictures by reference. */
export function messageOf(
  text: string,
  pictures: readonly MediaReference[],
): CreateUIMessage<UIMessage> {
  return {
    role: "user",
    parts: [
      ...pictures.map((reference) => ({
        type: "data-media" as const,
        id: reference.id,
        data: { state: "ready", reference },
      })),
      ...(text === "" ? [] : [{ type: "text" as const, text }]),
    ],
  };
}

/** The same message with another text after its pictures. */
export function editedMessage(message: UIMessage, text: string): CreateUIMessage<UIMessage> {
  const others = message.parts.filter(({ type }) => type !== "text");
  return { role: "user", parts: text === "" ? others : [...others, { type: "text", text }] };
}

/** What a conversation that begins with this message is called until the server says it. */
export function titleOf(message: UIMessage | undefined): string {
  const parts = message?.parts ?? [];
  const words = parts.map((part) => (part.type === "text" ? part.text : "")).join(" ");
  return words.trim() === "" ? (parts.map(nameOf).find((name) => name !== "") ?? "") : words;
}

function nameOf(part: UIMessage["parts"][number]): string {
  const media = "data" in part ? parseMediaState(part.data) : null;
  return media?.state === "ready" ? (media.reference.alt ?? media.reference.displayName ?? "") : "";
}
