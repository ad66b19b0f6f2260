import type { StreamDecoder, StreamEvent } from '#core/protocols/kubernetes/streams/decoder.ts';
import type { StreamForm } from '#core/protocols/kubernetes/streams/form.ts';

export function form(
  kind: 'websocket' | 'spdy',
  protocol: string,
  purpose: StreamForm['purpose'] = 'command',
): StreamForm {
  return { kind, protocol, purpose, ports: [] };
}

/** Pieces of one channel joined, as they came one after the other. */
export function told(events: Iterable<StreamEvent>): unknown[] {
  const words: { said: string; text: string }[] = [];
  for (const event of events) {
    const said = `${event.from} ${event.kind} ${'channel' in event ? nameOf(event.channel) : ''}`;
    const text =
      event.kind === 'data'
        ? Buffer.from(event.bytes).toString('latin1')
        : event.kind === 'close'
          ? `${event.code ?? ''} ${event.reason ?? ''}`
          : '';
    const last = words.at(-1);
    if (last?.said === said && event.kind === 'data') last.text += text;
    else words.push({ said, text });
  }
  return words.map(({ said, text }) => `${said}: ${text}`.trimEnd());
}

function nameOf(channel: Exclude<StreamEvent, { kind: 'close' }>['channel']): string {
  return typeof channel === 'string' ? channel : `${channel.forward} ${channel.port} ${channel.part}`;
}

/** Bytes of one side, cut at the places. */
export function* inPieces(
  decoder: StreamDecoder,
  from: 'client' | 'target',
  bytes: Uint8Array,
  size: number,
): Generator<StreamEvent> {
  for (let at = 0; at < bytes.length; at += size) yield* decoder.push(from, bytes.subarray(at, at + size));
}
