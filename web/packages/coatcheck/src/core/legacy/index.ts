/** For applications that read a socket of their own, whose server still sends pictures in its messages. */

export { FrameReader, type WorkerLike } from "./frame-reader.ts";
