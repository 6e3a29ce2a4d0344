// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { formatBytes, type MediaReference } from "coatcheck";
import { defaultLabels, ImageGenerationWidget, MediaLabelsContext } from "coatcheck/react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lighthouse, report } from "./samples.ts";
import { readVectors } from "./vectors.ts";

const { outputs } = readVectors<{
  readonly outputs: readonly {
    readonly name: string;
    readonly output: unknown;
    readonly expected: { readonly error?: string; readonly reference?: object };
  }[];
}>("legacy.json");

const tool = (fields: object) => ({ type: "tool-generate_image", toolCallId: "call", ...fields });
const media = (data: object) => ({ type: "data-media", id: "m1", data });
const asked = tool({
  state: "input-available",
  input: { prompt: "a lighthouse", size: "1600x900", model: "procedural" },
});
const ready = media({ state: "ready", reference: lighthouse });
const done = tool({
  state: "output-available",
  input: { prompt: "a lighthouse" },
  output: {
    success: true,
    data: {
      imageReference: lighthouse,
      prompt: "a lighthouse at dusk",
      model: "procedural",
      timestamp: "2026-11-22T21:06:12+00:00",
    },
  },
});
const inline = (output: unknown) => tool({ state: "output-available", input: {}, output });

const widget = () => screen.getByTestId("media-widget");
const state = () => widget().dataset["state"];
const button = (name: string) => screen.getByRole("button", { name });

beforeEach(() => {
  vi.spyOn(HTMLImageElement.prototype, "decode").mockResolvedValue(undefined);
});
afterEach(cleanup);

describe("ImageGenerationWidget, while the picture is being made", () => {
  it("holds its place with the proportions that were asked for, and says what is drawn", () => {
    render(<ImageGenerationWidget toolCall={asked} />);
    expect(state()).toBe("pending");
    const box = screen.getByTestId("media-unfinished");
    expect(box.style.getPropertyValue("--coat-ratio")).toBe("1.77778");
    expect(screen.getByRole("status").textContent).toBe("Drawing…");
    expect(widget().textContent).toContain("a lighthouse");
    expect(widget().textContent).toContain("procedural");
    expect(screen.queryByRole("group")).toBeNull();
  });

  it("shows previews and progress in the same box", () => {
    const { rerender } = render(<ImageGenerationWidget toolCall={asked} />);
    const preview = media({ state: "preview", progress: 0.4, thumbnailUrl: "/p/1" });
    rerender(<ImageGenerationWidget toolCall={asked} part={preview} />);
    expect(state()).toBe("preview");
    expect(screen.getByTestId("media-preview").getAttribute("src")).toBe("/p/1");
    expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("40");
    const box = screen.getByTestId("media-unfinished");
    expect(box.style.getPropertyValue("--coat-ratio")).toBe("1.77778");
  });

  it("stops pretending when the message is no longer being written", () => {
    render(<ImageGenerationWidget toolCall={asked} active={false} />);
    expect(screen.getByRole("status").textContent).toBe(defaultLabels.stopped);
  });
});

describe("ImageGenerationWidget with a picture", () => {
  it("says how many bytes it has, and last what the page has to say", () => {
    const footer = ({ size }: MediaReference) => <p>{`of ${size}`}</p>;
    render(<ImageGenerationWidget toolCall={done} part={ready} footer={footer} />);
    expect(screen.getByText(formatBytes(lighthouse.size))).toBeTruthy();
    const caption = widget().querySelector("figcaption");
    expect(caption?.lastElementChild?.textContent).toBe(`of ${lighthouse.size}`);
  });

  it("shows it, and what is known of it", () => {
    render(<ImageGenerationWidget toolCall={done} part={ready} />);
    expect(state()).toBe("ready");
    expect(screen.getByAltText("a lighthouse at dusk")).toBeTruthy();
    expect(widget().textContent).toContain("a lighthouse at dusk");
    expect(widget().textContent).toContain("procedural");
    expect(widget().textContent).toContain("1600 × 900");
    expect(widget().querySelector("time")?.dateTime).toBe("2026-11-22T21:06:12.000Z");
  });

  it("renders on a server", () => {
    expect(renderToString(<ImageGenerationWidget toolCall={done} />)).toContain("media-image");
  });

  it("has the original for download", () => {
    render(<ImageGenerationWidget part={ready} />);
    const link = screen.getByRole("link", { name: "Download" });
    expect(link.getAttribute("href")).toBe(`${lighthouse.url}?download=true`);
    expect(link.getAttribute("download")).toBe("lighthouse.png");
  });

  it("opens in the page's viewer, if there is one", () => {
    const onOpen = vi.fn();
    const { rerender } = render(<ImageGenerationWidget part={ready} />);
    expect(screen.queryByRole("button", { name: "Open" })).toBeNull();
    rerender(<ImageGenerationWidget part={ready} onOpen={onOpen} />);
    fireEvent.click(button("Open"));
    const { url, alt } = lighthouse;
    expect(onOpen).toHaveBeenCalledExactlyOnceWith({ reference: lighthouse, url, alt });
  });

  it("copies its address, whole", async () => {
    const write = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue(undefined);
    render(<ImageGenerationWidget part={ready} />);
    fireEvent.click(button("Copy link"));
    await waitFor(() => expect(screen.getByText("Copied")).toBeTruthy());
    expect(write).toHaveBeenCalledExactlyOnceWith(
      new URL(lighthouse.url ?? "", location.href).href,
    );
  });

  it("says when nothing could be copied", async () => {
    vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(new Blob()));
    vi.spyOn(navigator.clipboard, "write").mockRejectedValue(new DOMException("no"));
    render(<ImageGenerationWidget part={ready} />);
    fireEvent.click(button("Copy image"));
    await waitFor(() => expect(screen.getByText("Could not be copied")).toBeTruthy());
  });

  it("shows other media as a file", () => {
    render(<ImageGenerationWidget part={media({ state: "ready", reference: report })} />);
    expect(screen.getByTestId("media-file")).toBeTruthy();
    expect(screen.queryByRole("group")).toBeNull();
  });

  it("speaks the page's language", () => {
    render(
      <MediaLabelsContext value={{ ...defaultLabels, copyLink: "Link kopieren" }}>
        <ImageGenerationWidget part={ready} />
      </MediaLabelsContext>,
    );
    expect(button("Link kopieren")).toBeTruthy();
  });
});

describe("ImageGenerationWidget without a picture", () => {
  it("tells why, and asks for it once more where that is possible", () => {
    const onRetry = vi.fn();
    const failed = tool({ state: "output-error", input: {}, errorText: "Too busy." });
    const { rerender } = render(<ImageGenerationWidget toolCall={failed} />);
    expect(state()).toBe("failed");
    expect(screen.getByRole("alert").textContent).toContain("Too busy.");
    expect(screen.queryByRole("button")).toBeNull();
    rerender(<ImageGenerationWidget toolCall={failed} onRetry={onRetry} />);
    fireEvent.click(button("Try again"));
    expect(onRetry).toHaveBeenCalledTimes(1);
  });
});

describe("ImageGenerationWidget with pictures of old messages", () => {
  it.each(outputs)("shows something for $name", async ({ output, expected }) => {
    render(<ImageGenerationWidget toolCall={inline(output)} />);
    const made = expected.reference === undefined ? "legacy" : "ready";
    await waitFor(() => {
      expect(state()).toBe(expected.error === undefined ? made : "failed");
      expect(screen.queryAllByTestId("legacy-image")).toHaveLength(state() === "legacy" ? 1 : 0);
    });
  });

  it("reads the next one in its first render", async () => {
    const old = inline({ imageUrl: "/old/7.png", prompt: "a hut" });
    render(<ImageGenerationWidget toolCall={old} />);
    await waitFor(() => expect(screen.getByTestId("legacy-image")).toBeTruthy());
    cleanup();
    render(<ImageGenerationWidget toolCall={old} />);
    expect(screen.getByTestId("legacy-image")).toBeTruthy();
    expect(widget().textContent).toContain("a hut");
  });

  it("decodes the bytes, shows them, and lets go of them", async () => {
    const { output } = outputs[0] ?? {};
    const revoked = vi.spyOn(URL, "revokeObjectURL");
    const { unmount } = render(<ImageGenerationWidget toolCall={inline(output)} />);
    expect(screen.getByText("Loading…")).toBeTruthy();
    const image = await waitFor(() => screen.getByAltText("a lighthouse"));
    expect(image.getAttribute("src")).toMatch(/^blob:/u);
    fireEvent.load(image);
    await waitFor(() => expect(screen.getByTestId("legacy-image").dataset["phase"]).toBe("full"));
    // Bytes of this page alone have no address that would mean something elsewhere.
    expect(screen.queryByRole("button", { name: "Copy link" })).toBeNull();
    expect(screen.getByRole("link", { name: "Download" })).toBeTruthy();
    unmount();
    expect(revoked).toHaveBeenCalledWith(image.getAttribute("src"));
  });

  it("says that broken bytes cannot be shown, and offers no second try at them", async () => {
    const broken = `iVBORw0KGgo${"A".repeat(100)}*`;
    render(<ImageGenerationWidget toolCall={inline({ imageData: broken })} />);
    await waitFor(() => expect(screen.getByRole("alert")).toBeTruthy());
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  });

  it("tries an address again that failed", async () => {
    render(<ImageGenerationWidget toolCall={inline({ imageUrl: "/old/7.png" })} />);
    await waitFor(() => expect(screen.getByTestId("legacy-image")).toBeTruthy());
    const first = widget().querySelector('img[src="/old/7.png"]');
    fireEvent.error(first as Element);
    fireEvent.click(button("Try again"));
    const second = widget().querySelector('img[src="/old/7.png"]');
    expect(second).not.toBe(first);
    await act(async () => fireEvent.load(second as Element));
    expect(screen.getByTestId("legacy-image").dataset["phase"]).toBe("full");
  });
});
