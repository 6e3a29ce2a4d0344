import { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { parseMediaState } from "coatcheck";
import { WebSocketChatTransport } from "coatcheck/ai";
import { expect, it, vi } from "vitest";
import { FakeSocket } from "./fake-socket.ts";
import { lighthouse } from "./samples.ts";

it("carries a drawing turn into the AI SDK's message, where one part lives through its states", async () => {
  // biome-ignore lint/style/useNamingConvention: it takes the place of the global of that name
  const transport = new WebSocketChatTransport({ url: "ws://chat.test/", WebSocket: FakeSocket });
  const chat = new Chat<UIMessage>({ id: "c1", transport });
  const states = () =>
    chat.lastMessage?.parts.flatMap((part) =>
      "data" in part ? [parseMediaState(part.data).state] : [],
    );

  const turn = chat.sendMessage({ text: "Draw a lighthouse at dusk" });
  await vi.waitFor(() => expect(FakeSocket.all).toHaveLength(1));
  const socket = FakeSocket.last;
  socket.accept();
  await vi.waitFor(() => expect(socket.sent).toHaveLength(1));

  socket.begin();
  socket.chunk({ type: "start", messageId: "m" });
  socket.chunk({ type: "start-step" });
  const call = { toolCallId: "t", toolName: "generate_image" };
  socket.chunk({ type: "tool-input-start", ...call });
  socket.chunk({ type: "tool-input-available", ...call, input: { prompt: "a lighthouse" } });
  socket.chunk({ type: "data-media", id: "p", data: { state: "pending", width: 4, height: 3 } });
  await vi.waitFor(() => expect(states()).toEqual(["pending"]));

  socket.chunk({ type: "data-media", id: "p", data: { state: "ready", reference: lighthouse } });
  socket.chunk({ type: "tool-output-available", toolCallId: "t", output: { success: true } });
  socket.chunk({ type: "finish-step" });
  socket.chunk({ type: "finish" });
  await turn;

  expect(chat.status).toBe("ready");
  expect(states()).toEqual(["ready"]);
  expect(chat.lastMessage).toMatchObject({ id: "m", role: "assistant" });
});
