import { describe, expect, it } from 'vitest';
import { infoResponse, request, serviceRequest, success } from '#core/protocols/ssh/auth/messages.ts';
import { Stream } from '#core/recording/format.ts';
import { LoginTranscript } from '#proxy/protocols/ssh/transcript.ts';
import { sessionTape } from '#test/support/session-tape.ts';
import { messagesIn } from '#test/support/ssh-gateway.ts';

const password = request('root+web', 'password').boolean(false).string('sesame').done();

describe('the login of an SSH client on the tape', () => {
  it('security case 15: has passwords and answers as zeros, marked as withheld', async () => {
    const { tape, frames } = await sessionTape();
    const transcript = new LoginTranscript();
    transcript.client(password);
    transcript.client(infoResponse(['sesame']));
    transcript.playOnto(tape);
    transcript.client(password);
    const found = frames();
    const bytes = Buffer.concat(found.map(({ payload }) => payload));
    expect(bytes.includes('sesame')).toBe(false);
    expect(messagesIn(bytes).map(({ length }) => length)).toEqual([password.length, 15, password.length]);
    const withheld = found.filter((frame) => frame.withheld);
    expect(withheld).toHaveLength(3);
    expect(withheld.every(({ payload }) => payload.every((byte) => byte === 0))).toBe(true);
  });

  it('has what was said before there was a tape, in order, and what is said afterwards', async () => {
    const { tape, frames } = await sessionTape();
    const transcript = new LoginTranscript();
    transcript.client(request('web', 'none').done());
    transcript.gateway(Uint8Array.of(51, 0, 0, 0, 0, 0));
    transcript.playOnto(tape);
    transcript.gateway(success());
    expect(frames().map(({ stream, payload }) => [stream, payload[4]])).toEqual([
      [Stream.client, 50],
      [Stream.gateway, 51],
      [Stream.gateway, 52],
    ]);
  });

  it('leaves out what is the transport’s', async () => {
    const { tape, frames } = await sessionTape();
    const transcript = new LoginTranscript();
    transcript.client(serviceRequest('ssh-userauth'));
    transcript.playOnto(tape);
    expect(frames()).toEqual([]);
  });
});
