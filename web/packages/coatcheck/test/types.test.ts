import type { ChatTransport, UIMessage } from "ai";
import {
  type Generation,
  type MediaReference,
  type MediaState,
  parseReference,
  parseToolOutput,
  type RefreshReference,
  type ToolOutput,
} from "coatcheck";
import { WebSocketChatTransport } from "coatcheck/ai";
import type { Picture } from "coatcheck/legacy";
import {
  type ImageGenerationWidget,
  type ImageGenerationWidgetProps,
  type Media,
  MediaImage,
  type MediaImageProps,
  useMedia,
} from "coatcheck/react";
import { assertType, describe, expectTypeOf, it } from "vitest";

// Checked by `tsc`, as all files of the tests are; at run time there is nothing left to go wrong.
describe("types, from the user's side", () => {
  it("take anything from outside and give a checked reference or null", () => {
    expectTypeOf(parseReference).parameter(0).toBeUnknown();
    expectTypeOf(parseReference).returns.toEqualTypeOf<MediaReference | null>();
    expectTypeOf(parseToolOutput).parameter(0).toBeUnknown();
    expectTypeOf(parseToolOutput).returns.toEqualTypeOf<ToolOutput | null>();
  });

  it("keep a reference from being changed or half made", () => {
    expectTypeOf<MediaReference>().toHaveProperty("digest").toEqualTypeOf<string>();
    // @ts-expect-error: a reference is more than an id
    assertType<MediaReference>({ type: "media_reference", version: 1, id: "1" });
    // @ts-expect-error: unknown is absent, never null
    assertType<Pick<MediaReference, "alt">>({ alt: null });
  });

  it("tell the states of a picture apart", () => {
    expectTypeOf<MediaState["state"]>().toEqualTypeOf<"pending" | "preview" | "ready" | "failed">();
    expectTypeOf<Generation["media"]["state"]>().toEqualTypeOf<MediaState["state"] | "legacy">();
    expectTypeOf<Picture["kind"]>().toEqualTypeOf<"reference" | "legacy">();
    expectTypeOf<Media["phase"]>().toEqualTypeOf<"placeholder" | "thumbnail" | "full" | "failed">();
  });

  it("fit the AI SDK", () => {
    interface Metadata {
      readonly tokens: number;
    }
    type Message = UIMessage<Metadata>;
    expectTypeOf(WebSocketChatTransport<Message>).instance.toExtend<ChatTransport<Message>>();
    expectTypeOf<UIMessage["parts"][number]>().toExtend<ImageGenerationWidgetProps["part"]>();
  });

  it("need of the components what they need, and no more", () => {
    expectTypeOf(MediaImage).parameter(0).toEqualTypeOf<MediaImageProps>();
    expectTypeOf<{ reference: MediaReference }>().toExtend<MediaImageProps>();
    // @ts-expect-error: without a reference there is nothing to show
    assertType<MediaImageProps>({ alt: "" });
    // biome-ignore lint/complexity/noBannedTypes: the empty object is what is meant
    expectTypeOf<{}>().toExtend<Parameters<typeof ImageGenerationWidget>[0]>();
    expectTypeOf(useMedia).parameter(0).toEqualTypeOf<MediaReference>();
    expectTypeOf<RefreshReference>().parameter(0).toEqualTypeOf<string>();
  });
});
