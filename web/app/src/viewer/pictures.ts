import { isToolUIPart, type UIMessage } from "ai";
import { isImage, type MediaReference, parseReference } from "coatcheck";
import { parseToolOutput } from "coatcheck/legacy";

type Part = UIMessage["parts"][number];
type Fields = Readonly<Record<string, unknown>>;

/** Every finished picture of a conversation, each once, in the order in which they came. */
export function picturesIn(messages: readonly UIMessage[]): MediaReference[] {
  const found = new Map<string, MediaReference>();
  for (const part of messages.flatMap(({ parts }) => parts)) {
    for (const candidate of candidatesIn(part)) {
      const reference = parseReference(candidate);
      if (reference !== null && isImage(reference) && reference.url !== undefined) {
        found.set(reference.id, reference);
      }
    }
  }
  return [...found.values()];
}

/** Where a part may hold a reference. */
function candidatesIn(part: Part): unknown[] {
  if (part.type.startsWith("data-") && "data" in part) {
    return [field(part.data, "reference"), part.data];
  }
  if (isToolUIPart(part) && part.state === "output-available") {
    const picture = parseToolOutput(part.output)?.picture;
    return picture?.kind === "reference" ? [picture.reference] : [];
  }
  return [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Fields)[name] : undefined;
}
