import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ServerEvent, serverEvents } from '#cli/watch/sse.ts';

async function read(chunks: readonly Uint8Array[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  for await (const event of serverEvents(body())) events.push(event);
  return events;
}

const TEXT = `: hello\nretry: 250\n\nid: 1\nevent: step\ndata: {"a":"é€😀"}\n\nevent: lag\ndata: {}\n\n: alive\n\nid: 2\nevent: end\ndata: one\ndata: two\n\ndata: cut`;

describe('server-sent events', () => {
  it('are the same wherever the answer is cut; one that is not complete is none', async () => {
    const bytes = Buffer.from(TEXT);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 10 }), async (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = ends.slice(1).map((end, i) => bytes.subarray(ends[i], end));
        expect(await read(chunks)).toEqual([
          { event: 'step', data: '{"a":"é€😀"}', id: '1' },
          { event: 'lag', data: '{}', id: '1' },
          { event: 'end', data: 'one\ntwo', id: '2' },
        ]);
      }),
      { numRuns: 50 },
    );
  });

  it('survive anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), async (chunks) => {
        expect(await read(chunks)).toBeInstanceOf(Array);
      }),
      { numRuns: 50 },
    );
  });

  it('that are too long are refused', async () => {
    const chunk = Buffer.alloc(1 << 20, 'x');
    await expect(read(Array.from({ length: 20 }, () => chunk))).rejects.toThrow(/too long/);
  });
});
