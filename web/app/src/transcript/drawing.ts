import { isToolUIPart, type UIMessage } from "ai";
import { parseReference } from "coatcheck";

type Part = UIMessage["parts"][number];
type Fields = Readonly<Record<string, unknown>>;

/** What the message says about how a picture came to be. */
export interface Drawing {
  readonly prompt: string | null;
  readonly model: string | null;
}

/**
 * Finds the tool call behind a media part: the one whose output names the same media, or, as long as
 * there is no output, the nearest one before the part.
 */
export function drawingBehind(parts: readonly Part[], mediaIndex: number): Drawing {
  const mediaId = mediaIdOf(parts[mediaIndex]);
  const call =
    (mediaId === null ? undefined : parts.find((part) => outputMediaId(part) === mediaId)) ??
    parts.slice(0, mediaIndex).findLast(isToolUIPart);
  const input = fieldsOf(call, "input");
  const data = fieldsOf(fieldsOf(call, "output"), "data");
  return {
    prompt: text(data?.["prompt"]) ?? text(input?.["prompt"]) ?? text(input?.["expression"]),
    model: text(data?.["model"]),
  };
}

/** How a tool call shows up in the transcript besides the media part that it usually has. */
export type ToolCallView =
  | { readonly kind: "working"; readonly tool: string }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "media"; readonly reference: unknown }
  | { readonly kind: "nothing" };

/**
 * Decides what a tool call adds to the page. A media part after it speaks for it; a call without one,
 * as in a history that was rewritten or from another tool, speaks for itself.
 */
export function viewToolCall(parts: readonly Part[], toolIndex: number): ToolCallView {
  const part = parts[toolIndex];
  if (part === undefined || !isToolUIPart(part)) {
    return { kind: "nothing" };
  }
  const mediaAfter = parts.slice(toolIndex + 1).filter(({ type }) => type === "data-media");
  switch (part.state) {
    case "output-available": {
      const id = outputMediaId(part);
      const isShown = id === null || parts.some((other) => mediaIdOf(other) === id);
      const reference = fieldsOf(fieldsOf(part, "output"), "data")?.["imageReference"];
      return isShown ? { kind: "nothing" } : { kind: "media", reference };
    }
    case "output-error": {
      const isTold = mediaAfter.some((media) => fieldsOf(media, "data")?.["state"] === "failed");
      return isTold ? { kind: "nothing" } : { kind: "failed", message: part.errorText };
    }
    case "input-streaming":
    case "input-available":
      return mediaAfter.length > 0
        ? { kind: "nothing" }
        : { kind: "working", tool: part.type.slice("tool-".length) };
    default:
      return { kind: "nothing" };
  }
}

function mediaIdOf(part: Part | undefined): string | null {
  return part?.type === "data-media"
    ? text(fieldsOf(fieldsOf(part, "data"), "reference")?.["id"])
    : null;
}

function outputMediaId(part: Part): string | null {
  if (!isToolUIPart(part)) {
    return null;
  }
  const data = fieldsOf(fieldsOf(part, "output"), "data");
  return parseReference(data?.["imageReference"])?.id ?? null;
}

function fieldsOf(value: unknown, name: string): Fields | null {
  if (typeof value !== "object" || value === null) {
    return null;
  }
  const inner = (value as Fields)[name];
  return typeof inner === "object" && inner !== null ? (inner as Fields) : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
