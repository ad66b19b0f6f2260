import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { StreamDecoder } from '#core/protocols/kubernetes/streams/decoder.ts';
import type { StreamForm } from '#core/protocols/kubernetes/streams/form.ts';
import { inPieces, told } from './read.ts';

const folder = new URL('../../../../vectors/kubernetes/streams/', import.meta.url);

interface Vector {
  readonly form: StreamForm;
  /** base64: what went each way behind the 101. */
  readonly client: string;
  readonly target: string;
  readonly told: readonly string[];
}

// kubectl and the API server 1.37 with each other: 1.20 speaks SPDY (Go's spdystream), 1.37 WebSocket, of ports with SPDY inside.
it.each(readdirSync(folder))('%s is read, whole and in pieces', (name) => {
  const {
    form,
    client,
    target,
    told: expected,
  } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Vector;
  for (const size of [1, 13, 100_000]) {
    const decoder = new StreamDecoder(form);
    const read = [
      ...told(inPieces(decoder, 'client', Buffer.from(client, 'base64'), size)),
      ...told(inPieces(decoder, 'target', Buffer.from(target, 'base64'), size)),
    ];
    expect(read).toEqual(expected);
  }
});
