import { MediaImage } from "coatcheck/react";
import { type ComponentProps, memo, type SyntheticEvent, useState } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import type { ComparedMessage } from "./play.ts";
import type { Way } from "./trial.ts";

interface ComparedMessagesProps {
  readonly messages: readonly ComparedMessage[];
  readonly way: Way;
}

/** A conversation as a plain chat shows it. */
export function ComparedMessages({ messages, way }: ComparedMessagesProps) {
  return messages.map((message) => <OneMessage key={message.id} message={message} way={way} />);
}

const OneMessage = memo(function OneMessageView({
  message: { id, picture, text },
  way,
}: {
  readonly message: ComparedMessage;
  readonly way: Way;
}) {
  return (
    <article className="compared-message" data-picture={id}>
      {typeof picture === "string" && <InlineImage src={picture} />}
      {picture !== null && typeof picture === "object" && (
        <MediaImage reference={picture} sizes="20rem" />
      )}
      {way === "tokens" ? <LegacyMarkdown text={text} /> : <PlainText text={text} />}
    </article>
  );
});

/** What a page without Coatcheck does: the picture's bytes are the image's address. */
function InlineImage({ src, alt = "" }: ComponentProps<"img">) {
  const [phase, setPhase] = useState<"loading" | "full">("loading");
  return (
    // biome-ignore lint/a11y/noNoninteractiveElementInteractions: loading is no interaction
    <img
      className="compared-inline"
      src={src}
      alt={alt}
      data-phase={phase}
      onLoad={({ currentTarget }: SyntheticEvent<HTMLImageElement>) => {
        const show = () => setPhase("full");
        currentTarget.decode().then(show, show);
      }}
    />
  );
}

const components: Components = {
  img: ({ src, alt }) => <InlineImage src={src} alt={alt} />,
};
const plugins = [remarkGfm];

function LegacyMarkdown({ text }: { readonly text: string }) {
  return (
    <ReactMarkdown components={components} remarkPlugins={plugins} urlTransform={keepAddress}>
      {text}
    </ReactMarkdown>
  );
}

/** The Markdown renderer drops data: URIs unless an option keeps them. */
function keepAddress(address: string): string {
  return address;
}

const INLINE_IMAGE = /!\[picture\]\((?<address>data:[^)]*)\)/u;

function PlainText({ text }: { readonly text: string }) {
  const match = INLINE_IMAGE.exec(text);
  const address = match?.groups?.["address"];
  return (
    <>
      {address !== undefined && <InlineImage src={address} />}
      {text !== "" && <p>{match === null ? text : text.slice(match[0].length)}</p>}
    </>
  );
}
