/**
 * Cuts Markdown into pieces that mean, each by itself, what they mean in the whole.
 *
 * A piece begins after a blank line at a line that nothing before it can go on in: not indented, no item
 * of a list, not within a fence. Where that is not sure, or where one place of the text gives another its
 * meaning (a link's definition, a footnote, raw HTML that goes on over blank lines), there is one piece.
 */
export function blocksOf(text: string): string[] {
  if (text.includes("]:") || SPANNING_HTML.test(text)) {
    return [text];
  }
  const blocks: string[] = [];
  let begin = 0;
  let position = 0;
  let isAfterBlank = false;
  let fence: string | null = null;
  for (const line of text.split("\n")) {
    if (isAfterBlank && fence === null && BEGINS_BLOCK.test(line)) {
      blocks.push(text.slice(begin, position).trimEnd());
      begin = position;
    }
    fence = fenceAfter(line, fence);
    isAfterBlank = BLANK.test(line);
    position += line.length + 1;
  }
  blocks.push(text.slice(begin));
  return blocks;
}

/** The marks that end the fence which is open after a line; null for none. */
function fenceAfter(line: string, open: string | null): string | null {
  if (open === null) {
    const { back, tilde } = OPENS_FENCE.exec(line)?.groups ?? {};
    return back ?? tilde ?? null;
  }
  const marks = CLOSES_FENCE.exec(line)?.[1];
  return marks?.startsWith(open) === true ? null : open;
}

const BLANK = /^[ \t]*\r?$/u;
/** Neither blank nor indented nor the mark of a list's item. */
const BEGINS_BLOCK = /^(?![-*+](?:[ \t]|$)|\d{1,9}[.)](?:[ \t]|$))[^\s]/u;
const OPENS_FENCE = /^ {0,3}(?:(?<back>`{3,})[^`]*|(?<tilde>~{3,}).*)$/u;
const CLOSES_FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*\r?$/u;
/** Begins HTML that a blank line does not end. */
const SPANNING_HTML = /^[ \t>*+\-\d.)]*<(?:script|pre|style|textarea|!|\?)/imu;
