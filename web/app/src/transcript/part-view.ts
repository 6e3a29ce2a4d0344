import { isToolUIPart, type UIMessage } from "ai";
import { parseMediaState } from "coatcheck";
import { parseGeneration, parseToolOutput } from "coatcheck/legacy";

type Part = UIMessage["parts"][number];

/** What a part of an answer adds to the page; null for nothing. */
export type PartView =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "picture";
      readonly toolCall: Part | undefined;
      readonly part: Part | undefined;
    }
  | { readonly kind: "working"; readonly tool: string }
  | null;

/**
 * Decides how a part shows. A picture has up to two: the tool's call and the media part, which then
 * speaks for both. A call without one speaks for itself, as in a history from before there were any.
 */
export function viewPart(parts: readonly Part[], index: number): PartView {
  const part = parts[index];
  if (part?.type === "text") {
    return part.text === "" ? null : { kind: "text", text: part.text };
  }
  if (part?.type === "data-media") {
    return { kind: "picture", toolCall: callBehind(parts, index), part };
  }
  return part !== undefined && isToolUIPart(part) ? viewToolCall(parts, index) : null;
}

/**
 * The tool call behind a media part: the one whose output names the same media, or, as long as there
 * is no output, the nearest one before the part.
 */
function callBehind(parts: readonly Part[], index: number): Part | undefined {
  const id = mediaIdOf(parts[index]);
  return (
    (id === null ? undefined : parts.find((part) => outputMediaId(part) === id)) ??
    parts.slice(0, index).findLast(isToolUIPart)
  );
}

function viewToolCall(parts: readonly Part[], index: number): PartView {
  const toolCall = parts[index];
  const tool = toolNameOf(toolCall);
  const after = parts.slice(index + 1).filter(({ type }) => type === "data-media");
  const itself: PartView = { kind: "picture", toolCall, part: undefined };
  const { media } = parseGeneration({ toolCall });
  switch (media.state) {
    case "pending":
    case "preview":
      return after.length > 0 ? null : { kind: "working", tool };
    case "ready": {
      const { id } = media.reference;
      return parts.some((other) => mediaIdOf(other) === id) ? null : itself;
    }
    case "legacy":
      // Old pictures were any object with an address: a tool that answers with one made no picture.
      return MAKES_IMAGES.test(tool) && after.length === 0 ? itself : null;
    case "failed": {
      const isNoPicture = media.code === "media_unreadable";
      const isTold = after.some((part) => stateOf(part) === "failed");
      return isNoPicture || isTold ? null : itself;
    }
  }
}

const MAKES_IMAGES = /image|picture/iu;

/** Also of a call as older versions of the AI SDK kept it. */
function toolNameOf(part: Part | undefined): string {
  const call = { ...part } as { toolName?: unknown; toolInvocation?: { toolName?: unknown } };
  const name = call.toolName ?? call.toolInvocation?.toolName;
  return typeof name === "string" ? name : (part?.type.slice("tool-".length) ?? "");
}

function stateOf(part: Part | undefined): string | null {
  return part?.type === "data-media" && "data" in part ? parseMediaState(part.data).state : null;
}

function mediaIdOf(part: Part | undefined): string | null {
  const media = part?.type === "data-media" && "data" in part ? parseMediaState(part.data) : null;
  return media?.state === "ready" ? media.reference.id : null;
}

function outputMediaId(part: Part): string | null {
  const output = isToolUIPart(part) && "output" in part ? parseToolOutput(part.output) : null;
  return output?.picture?.kind === "reference" ? output.picture.reference.id : null;
}
