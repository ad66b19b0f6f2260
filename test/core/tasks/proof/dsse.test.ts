import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, openEnvelope, preAuthenticated, signEnvelope } from '#core/tasks/proof/dsse.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import vector from '#test/vectors/tasks/dsse.json' with { type: 'json' };

const TYPE = 'application/vnd.in-toto+json';
const signer = memorySigner();
const signed = (text: string): Promise<Uint8Array> => signEnvelope(TYPE, Buffer.from(text), signer);
const open = (bytes: Uint8Array, by = signer.der): string =>
  Buffer.from(openEnvelope(bytes, TYPE, by)).toString();

/** The envelope of "hello", with something in it changed. */
async function altered(change: (envelope: Record<string, unknown>) => unknown): Promise<Buffer> {
  const envelope = JSON.parse(Buffer.from(await signed('hello')).toString());
  return Buffer.from(JSON.stringify(change(envelope) ?? envelope));
}

describe('DSSE envelopes', () => {
  it('sign what the specification signs', () => {
    // Its own example: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
    const encoded = preAuthenticated('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(Buffer.from(encoded).toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('of another writer are opened', () => {
    const key = Buffer.from(vector.key, 'hex');
    expect(open(Buffer.from(vector.envelope), key)).toBe(vector.payload);
    expect(Buffer.from(preAuthenticated(TYPE, Buffer.from(vector.payload))).toString('hex')).toBe(vector.pae);
  });

  it('come back as they were signed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (payload) => {
        const opened = openEnvelope(await signEnvelope(TYPE, payload, signer), TYPE, signer.der);
        expect(Buffer.from(opened)).toEqual(Buffer.from(payload));
      }),
      { numRuns: 30 },
    );
  });

  it('are refused under another key, also where that one is named', async () => {
    const other = memorySigner();
    const bytes = await signed('hello');
    expect(() => open(bytes, other.der)).toThrow(`is not signed by ${fingerprintOf(other.der)}`);
    const renamed = await altered(({ signatures }) => {
      (signatures as { keyid: string }[])[0]!.keyid = fingerprintOf(other.der);
    });
    expect(() => open(renamed, other.der)).toThrow('has a signature that is not of');
  });

  it('are refused when one byte of the payload, the type or the signature is another', async () => {
    const payload = await altered(() => undefined).then((bytes) => JSON.parse(bytes.toString()));
    const changed = { ...payload, payload: Buffer.from('hellp').toString('base64') };
    expect(() => open(Buffer.from(JSON.stringify(changed)))).toThrow('has a signature that is not of');
    const retyped = Buffer.from(JSON.stringify({ ...payload, payloadType: 'text/plain' }));
    expect(() => open(retyped)).toThrow(`is not of type ${TYPE}`);
    expect(() => openEnvelope(retyped, 'text/plain', signer.der)).toThrow('has a signature that is not of');
  });

  it.each<[string, (envelope: Record<string, unknown>) => unknown]>([
    ['two signatures', (one) => ({ ...one, signatures: [one['signatures'], one['signatures']].flat() })],
    ['no signature', (one) => ({ ...one, signatures: [] })],
    ['a member that nobody checks', (one) => ({ ...one, comment: 'trust me' })],
    ['no payload', (one) => ({ ...one, payload: undefined })],
    ['base64 with bits that say nothing', (one) => ({ ...one, payload: 'aGVsbG9=' })],
    ['base64 for URLs', (one) => ({ ...one, payload: '_-8' })],
    ['no object', () => 7],
    ['null', () => null],
  ])('are refused with %s', async (_, change) => {
    const bytes = await altered((one) => change(one) ?? 'null');
    expect(() => open(bytes)).toThrow(expect.objectContaining({ code: 'format-invalid' }));
  });

  it('are refused when they have a name twice, are too long, or are no JSON', async () => {
    const text = Buffer.from(await signed('hello')).toString();
    for (const bytes of [`{"payload":"",${text.slice(1)}`, text.padEnd(8 << 20), text.slice(1), ''])
      expect(() => open(Buffer.from(bytes))).toThrow(expect.objectContaining({ code: 'format-invalid' }));
  });

  it('never throw anything else, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(() => open(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'format-invalid' }));
      }),
    );
  });

  it('do not sign what nobody would open', async () => {
    await expect(signEnvelope(TYPE, new Uint8Array((4 << 20) + 1), signer)).rejects.toMatchObject({
      code: 'internal',
    });
  });
});
