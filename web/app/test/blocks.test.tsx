import fc from "fast-check";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { blocksOf } from "../src/transcript/blocks.ts";
import { RichBlock } from "../src/transcript/rich-text.tsx";

const html = (text: string) => renderToStaticMarkup(<RichBlock text={text} />);
const whole = (text: string) => html(text).replaceAll(/\s*\n\s*/gu, "");
const inBlocks = (text: string) =>
  blocksOf(text)
    .map(html)
    .join("")
    .replaceAll(/\s*\n\s*/gu, "");

describe("blocksOf", () => {
  it("cuts paragraphs, headings, lists and code apart", () => {
    const text = "# A\n\none\ntwo\n\n- a\n\n- b\n\nthree\n\n```py\nx\n\ny\n```\n\nfour";
    expect(blocksOf(text)).toEqual([
      "# A",
      "one\ntwo\n\n- a\n\n- b",
      "three",
      "```py\nx\n\ny\n```",
      "four",
    ]);
  });

  it.each([
    "see [a]\n\n[a]: https://example.org",
    "one[^1]\n\n[^1]: a note",
    "<pre>\n\n# no heading\n\n</pre>",
    "<!--\n\nhidden\n\n-->",
    "- <!--\n\nhidden -->",
    "~~~\n\n```\n\n# no heading",
    "````\n```\n\n# no heading",
    "``` a`b\n\n# a heading",
    "- ```\n\n# a heading",
    "1. a\n\n   b\n\n2. c",
    "    code\n\n    more",
    "> a\n\nb",
    "| a | b |\n| - | - |\n| 1 | 2 |\n\nafter",
  ])("means the same as the whole: %j", (text) => {
    expect(inBlocks(text)).toBe(whole(text));
  });

  it("means the same as the whole, whatever the lines are", () => {
    const line = fc.constantFrom(
      ...["", "", "", "a", "b *c*", "# d", "- e", "* f", "1. g", "2) h", "  i", "    j", "\tk"],
      ...["```", "````", "~~~", "```py", "   ```", "    ```", "> l", "> - m", "> ```", "- ```"],
      ...["| n | o |", "| - | - |", "---", "===", "***", "<div>", "</div>", "<pre>", "</pre>"],
      ...["<!-- p", "-->", "[q]: /r", "[q]", "[^1]", "[^1]: s", "![t](u)", "\\", "1.", "-", " "],
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 14 }), (lines) => {
        const text = lines.join("\n");
        expect(inBlocks(text)).toBe(whole(text));
      }),
      { numRuns: 400 },
    );
  }, 30_000);

  it("keeps the blocks that a growing text has left behind", () => {
    const before = blocksOf("one\n\ntwo\n\nthr");
    const after = blocksOf("one\n\ntwo\n\nthree\n\nfour");
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
  });
});
