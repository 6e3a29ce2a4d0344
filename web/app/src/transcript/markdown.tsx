import { memo, useMemo } from "react";
import { useLater } from "../shell/later.ts";
import { richText } from "../shell/parts.ts";
import { blocksOf } from "./blocks.ts";

/**
 * Text of the assistant, block by block: while it grows, its last block alone is parsed again.
 *
 * What parses it is no part of the page's first view. Until it is there, each block shows as it was
 * written, with the room around it that it will keep.
 */
export const Markdown = memo(function MarkdownView({ text }: { readonly text: string }) {
  const rich = useLater(richText, WANTED);
  const blocks = useMemo(() => blocksOf(text), [text]);
  return (
    <div className="md">
      {blocks.map((block, index) =>
        rich === null ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: a text grows at its end
          <p className="md-plain" key={index}>
            {block}
          </p>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: a text grows at its end
          <rich.RichBlock text={block} key={index} />
        ),
      )}
    </div>
  );
});

const WANTED = { wanted: true };
