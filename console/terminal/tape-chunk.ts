/** Events of a terminal as bytes, which compress well. */
import type { TerminalEvent } from '#core/replay/terminal.ts';

/** An event's kind, moment and length come before its bytes. */
const HEAD = 1 + 8 + 4;
const KINDS = ['output', 'input', 'other'] as const;

export async function packed(events: readonly TerminalEvent[]): Promise<Blob> {
  const bytes = new Blob([encoded(events)]);
  return new Response(bytes.stream().pipeThrough(new CompressionStream('gzip'))).blob();
}

export async function unpacked(chunk: Blob): Promise<readonly TerminalEvent[]> {
  const stream = chunk.stream().pipeThrough(new DecompressionStream('gzip'));
  return decoded(await new Response(stream).arrayBuffer());
}

function encoded(events: readonly TerminalEvent[]): Uint8Array<ArrayBuffer> {
  const contents = events.map(contentOf);
  const length = contents.reduce((sum, content) => sum + HEAD + content.length, 0);
  const [bytes, view] = viewed(new ArrayBuffer(length));
  let at = 0;
  for (const [index, content] of contents.entries()) {
    const event = events[index]!;
    view.setUint8(at, KINDS.indexOf('bytes' in event ? event.kind : 'other'));
    view.setFloat64(at + 1, event.at);
    view.setUint32(at + 9, content.length);
    bytes.set(content, at + HEAD);
    at += HEAD + content.length;
  }
  return bytes;
}

function decoded(buffer: ArrayBuffer): readonly TerminalEvent[] {
  const [bytes, view] = viewed(buffer);
  const events: TerminalEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const content = bytes.subarray(at + HEAD, at + HEAD + view.getUint32(at + 9));
    const kind = KINDS[view.getUint8(at)]!;
    if (kind === 'other') events.push(JSON.parse(new TextDecoder().decode(content)) as TerminalEvent);
    else events.push({ kind, at: view.getFloat64(at + 1), bytes: content });
    at += HEAD + content.length;
  }
  return events;
}

function contentOf(event: TerminalEvent): Uint8Array {
  return 'bytes' in event ? event.bytes : new TextEncoder().encode(JSON.stringify(event));
}

function viewed(buffer: ArrayBuffer): [Uint8Array<ArrayBuffer>, DataView] {
  return [new Uint8Array(buffer), new DataView(buffer)];
}
