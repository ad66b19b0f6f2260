import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { authenticationCleartextPassword } from '#core/protocols/postgres/backend.ts';
import { passwordMessage } from '#core/protocols/postgres/frontend.ts';
import { MessageReader } from '#core/protocols/postgres/messages.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { Stream } from '#core/recording/format.ts';
import { LoginTranscript } from '#proxy/protocols/postgres/transcript.ts';
import { sessionTape, type TapedFrame } from '#test/support/session-tape.ts';

const PASSWORD = 0x70;
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJkYW5hIn0.c2lnbmF0dXJl';
const startup = encodeStartup({ minor: 2, parameters: [['user', 'dana']] });

let sent: Buffer[];
let transcript: LoginTranscript;
beforeEach(() => {
  sent = [];
  transcript = new LoginTranscript((bytes) => void sent.push(Buffer.from(bytes)));
});

async function played(): Promise<TapedFrame[]> {
  const { tape, frames } = await sessionTape();
  transcript.playOnto(tape);
  return frames();
}

const payloads = (frames: readonly TapedFrame[], stream: number): Buffer =>
  Buffer.concat(frames.filter((frame) => frame.stream === stream).map(({ payload }) => payload));

describe('LoginTranscript', () => {
  it('plays the login in the order it happened, with who said what', async () => {
    transcript.client(startup);
    transcript.say(authenticationCleartextPassword());
    transcript.clientWithheld(PASSWORD, 3);
    transcript.say(Buffer.from('welcome'));
    const { client, gateway } = Stream;
    expect(await played()).toEqual([
      { stream: client, withheld: false, payload: Buffer.from(startup) },
      { stream: gateway, withheld: false, payload: Buffer.from(authenticationCleartextPassword()) },
      { stream: client, withheld: false, payload: Buffer.from('p\0\0\0\x07') },
      { stream: client, withheld: true, payload: Buffer.alloc(3) },
      { stream: gateway, withheld: false, payload: Buffer.from('welcome') },
    ]);
  });

  it('sends what is said at once, and once', async () => {
    transcript.say(Buffer.from('one'));
    expect(sent.map(String)).toEqual(['one']);
    transcript.client(startup);
    transcript.clientWithheld(PASSWORD, 10);
    await played();
    expect(sent.map(String)).toEqual(['one']);
  });

  it('keeps what is said also when it cannot be sent', async () => {
    transcript = new LoginTranscript(() => {
      throw new Error('the client has left');
    });
    expect(() => transcript.say(Buffer.from('one'))).toThrow('has left');
    expect((await played()).map(({ payload }) => String(payload))).toEqual(['one']);
  });

  it('keeps a copy of what the client sent: its memory may be used again', async () => {
    const memory = Buffer.from('startup');
    transcript.client(memory.subarray(0, 5));
    memory.fill('x');
    expect((await played()).map(({ payload }) => String(payload))).toEqual(['start']);
  });

  it('is played once', async () => {
    transcript.client(startup);
    expect(await played()).toHaveLength(1);
    expect(await played()).toEqual([]);
    transcript.say(Buffer.from('later'));
    expect((await played()).map(({ payload }) => String(payload))).toEqual(['later']);
  });

  it('leaves a secret out and its length in: the stream still parses (security case 15)', async () => {
    const bodies = fc.integer({ min: 0, max: 70_000 });
    const types = fc.integer({ min: 1, max: 255 });
    await fc.assert(
      fc.asyncProperty(types, bodies, async (type, length) => {
        transcript.clientWithheld(type, length);
        const frames = await played();
        expect(frames.map(({ withheld }) => withheld)).toEqual([false, true]);
        const reader = new MessageReader(1 << 20);
        reader.push(payloads(frames, Stream.client));
        const bytes = Array.from(reader, (message) => ({
          type: message.type,
          body: 'body' in message ? Buffer.from(message.body) : undefined,
        }));
        expect(bytes).toEqual([{ type, body: Buffer.alloc(length) }]);
      }),
      { numRuns: 50 },
    );
  });

  it('marks as withheld the zeros alone, so that nothing else passes for a secret', async () => {
    transcript.client(startup);
    transcript.clientWithheld(PASSWORD, TOKEN.length + 1);
    const message = passwordMessage(TOKEN);
    const [, header, body] = await played();
    expect(header).toMatchObject({ withheld: false, payload: Buffer.from(message.subarray(0, 5)) });
    expect(body).toMatchObject({ withheld: true, payload: Buffer.alloc(message.byteLength - 5) });
  });
});
