/** One event of a stream: what follows `data:`, and the id that it leaves. */
export interface StreamedEvent {
  readonly id: string;
  readonly data: string;
}

/** More than any event has; a stream that goes on without an end of line is none. */
const maxLineLength = 4 * 2 ** 20;

/**
 * Reads server-sent events: `id` and `data`, which is all that the endpoint sends of use.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function* streamedEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamedEvent> {
  const decoder = new TextDecoder();
  let text = "";
  let id = "";
  let data: string[] = [];
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split(/\r?\n/);
    text = lines.pop() ?? "";
    if (text.length > maxLineLength) throw new Error("a line without an end");
    for (const line of lines) {
      if (line.startsWith("id:")) id = line.slice(3).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      else if (line === "" && data.length > 0) {
        yield { id, data: data.join("\n") };
        data = [];
      }
    }
  }
}
