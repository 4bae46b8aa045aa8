/** One event of a stream, as the wire has it. */
export interface Frame {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** The events of a stream as they come. */
export async function* framesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Frame> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of body ?? new ReadableStream<Uint8Array>()) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (id !== undefined && event !== undefined && data !== undefined) yield { id, event, data };
    }
  }
}
