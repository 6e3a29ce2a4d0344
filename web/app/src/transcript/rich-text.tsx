import { memo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";

const components: Components = {
  // Fetching an address that a model wrote tells its owner that the message was read, and what was in
  // the URL. Pictures come as media parts; an image in the text stays text.
  img: ({ alt }) => <span className="md-image">{alt || "image"}</span>,
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  ),
  table: ({ children }) => (
    // A wide table scrolls by itself instead of the page.
    <div className="md-table">
      <table>{children}</table>
    </div>
  ),
};

const plugins = [remarkGfm];

/** One block of Markdown. Raw HTML is dropped, and links open elsewhere without a referrer. */
export const RichBlock = memo(function RichBlockView({ text }: { readonly text: string }) {
  return (
    <ReactMarkdown components={components} remarkPlugins={plugins} skipHtml={true}>
      {text}
    </ReactMarkdown>
  );
});
