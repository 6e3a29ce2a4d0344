import { useChat } from "@ai-sdk/react";
import { isToolUIPart, type UIMessage } from "ai";
import type { MediaReference } from "coatcheck";
import { WebSocketChatTransport } from "coatcheck/ai";
import { FrameReader } from "coatcheck/legacy";
import { ImageGenerationWidget } from "coatcheck/react";
import "coatcheck/styles.css";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { States } from "./states.tsx";
import "./page.css";

const transport = new WebSocketChatTransport({
  url: `${location.origin.replace("http", "ws")}/ws/chat`,
});
const id = crypto.randomUUID();

function App() {
  const { messages, sendMessage, status } = useChat({ id, transport });
  return (
    <main>
      <button type="button" onClick={() => sendMessage({ text: "Paint a lighthouse at dusk" })}>
        Paint
      </button>
      <output>{status}</output>
      {messages.map((message) => (
        <Message key={message.id} message={message} />
      ))}
    </main>
  );
}

function Message({ message: { parts } }: { message: UIMessage }) {
  const toolCall = parts.find(isToolUIPart);
  const [old, setOld] = useState<unknown>(null);
  return parts.map((part, index) => {
    if (part.type === "text") {
      return <p key={index}>{part.text}</p>;
    }
    if (part === toolCall && part.state === "output-available" && !parts.some(isMedia)) {
      return <ImageGenerationWidget key={index} part={part} />;
    }
    return part.type === "data-media" ? (
      <section key={index}>
        <ImageGenerationWidget
          toolCall={toolCall}
          part={part}
          onOpen={({ reference }) => reference && readAsOldServerSent(reference).then(setOld)}
        />
        {old !== null && <Old output={old} />}
      </section>
    ) : null;
  });
}

function isMedia({ type }: UIMessage["parts"][number]) {
  return type === "data-media";
}

/** The same picture as an old server's frame, which goes through the package's worker. */
async function readAsOldServerSent({ url = "" }: MediaReference): Promise<unknown> {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const imageData = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const output = `✅ **Success**: ${JSON.stringify({ imageData, prompt: "as it was" })}`;
  const frame = await new Promise((resolve) => {
    new FrameReader(resolve).read(JSON.stringify({ type: "tool-output-available", output }));
  });
  return (frame as { output: unknown }).output;
}

function Old({ output }: { output: unknown }) {
  const isLight = typeof output === "object" && (output as { imageData: unknown }).imageData instanceof Blob;
  return (
    <section data-testid="old" data-light={isLight}>
      <ImageGenerationWidget part={{ type: "tool-x", state: "output-available", output }} />
    </section>
  );
}

declare global {
  interface Window {
    /** Set by the test that wants to see each state of the widget, about this picture. */
    reference?: MediaReference;
  }
}

const { reference } = window;
const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      {reference === undefined ? <App /> : <States reference={reference} />}
    </StrictMode>,
  );
}
