import { describe, expect, test } from 'vitest';
import {
  buildEvidence,
  makeKeys,
  makeSigner,
  OTHER_SESSION,
  parseStatement,
  pem,
  putStatement,
  SESSION,
  segmentFile,
  sha256,
  spki,
  threeSegments,
} from '#test/support/evidence-builder.ts';
import { check, codes, finding, good, keys, swap } from '#test/support/evidence-checks.ts';

describe('a forged or re-signed statement', () => {
  const forger = makeSigner();

  test('signed by another key', async () => {
    const files = good();
    putStatement(files, 'close.json', { ...parseStatement(files, 'close.json'), reason: 'drained' }, forger);
    const fingerprint = sha256(spki(keys.signer));
    expect((await check(files)).findings).toEqual([
      {
        code: 'signature-invalid',
        object: 'close.json',
        message: `close.json.sig is not a signature over close.json by the key ${fingerprint} in signer.pem`,
      },
    ]);
  });

  test('naming another signer', async () => {
    const files = good();
    const signer = sha256(spki(forger));
    putStatement(files, 'open.json', { ...parseStatement(files, 'open.json'), signer }, keys.signer);
    const message = `open.json names the signer ${signer}, but signer.pem is the key ${sha256(spki(keys.signer))}`;
    expect(finding(await check(files), 'signer-mismatch')?.message).toBe(message);
  });

  test('everything forged consistently under another key, signer.pem included', async () => {
    const files = buildEvidence({ ...makeKeys(), signer: forger }, threeSegments());
    const report = await check(files);
    expect(report.verdict).toBe('failed');
    expect(report.findings).toEqual([
      {
        code: 'signer-untrusted',
        object: 'signer.pem',
        message: `signer.pem is the key ${sha256(spki(forger))}, but the trusted signers are ${sha256(spki(keys.signer))}`,
      },
    ]);
  });

  test('open.json with another recorder key', async () => {
    const files = good();
    const recorder = spki(makeKeys().recorder).toString('base64');
    putStatement(files, 'open.json', { ...parseStatement(files, 'open.json'), recorder }, forger);
    expect(codes(await check(files))).toEqual(
      expect.arrayContaining([
        'signature-invalid open.json',
        'head-signature-invalid 00000000.seg',
        'previous-hash-mismatch 00000000.seg',
        'open-hash-mismatch close.json',
      ]),
    );
  });

  test('close.json of another session of the same signer', async () => {
    const files = good();
    const other = buildEvidence(keys, threeSegments(), { session: OTHER_SESSION });
    for (const name of ['close.json', 'close.json.sig']) files.set(name, other.get(name)!);
    expect(codes(await check(files))).toEqual([
      'session-mismatch close.json',
      'open-hash-mismatch close.json',
      'last-hash-mismatch close.json',
    ]);
  });

  test('signature files swapped', async () => {
    const report = await check(swap(good(), 'open.json.sig', 'close.json.sig'));
    expect(codes(report)).toEqual(['signature-invalid open.json', 'signature-invalid close.json']);
  });

  test('statements swapped with their signatures', async () => {
    const files = swap(swap(good(), 'open.json.sig', 'close.json.sig'), 'open.json', 'close.json');
    const report = await check(files);
    expect(finding(report, 'statement-type-unknown')?.message).toBe(
      'open.json is of type "custody/close/1", expected "custody/open/1"',
    );
  });
});

describe('a wrong key', () => {
  test('the auditor trusts another signer', async () => {
    const report = await check(good(), SESSION, [spki(makeSigner())]);
    expect(report.verdict).toBe('failed');
    expect(codes(report)).toEqual(['signer-untrusted signer.pem']);
  });

  test('one of several trusted signers will do', async () => {
    const report = await check(good(), SESSION, [spki(makeSigner()), spki(keys.signer)]);
    expect(report.verdict).toBe('verified');
  });

  test('signer.pem exchanged for another', async () => {
    const report = await check(good().set('signer.pem', pem(makeSigner())));
    expect(codes(report)).toEqual([
      'signer-untrusted signer.pem',
      'signature-invalid open.json',
      'signer-mismatch open.json',
      'signature-invalid close.json',
      'signer-mismatch close.json',
    ]);
  });

  test('no trusted signer given: consistent is not proof', async () => {
    const report = await check(good(), SESSION, []);
    expect(report.verdict).toBe('unanchored');
    expect(report.findings).toEqual([
      {
        code: 'signer-unanchored',
        object: 'signer.pem',
        message: `signer.pem is the key ${sha256(spki(keys.signer))}, and no trusted signer was given to compare it with`,
      },
    ]);
  });

  test('no trusted signer given and something wrong: failed', async () => {
    const files = good();
    files.delete(segmentFile(0));
    expect((await check(files, SESSION, [])).verdict).toBe('failed');
  });
});
