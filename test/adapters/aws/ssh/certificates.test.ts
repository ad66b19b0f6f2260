import { generateKeyPairSync } from 'node:crypto';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kmsCa, kmsCaKeys } from '#adapters/aws/ssh/cas.ts';
import { dynamoCertificates } from '#adapters/aws/ssh/certificates.ts';
import { issueCertificate } from '#core/access/ssh-certificates/issue.ts';
import { targetCertificate } from '#core/access/ssh-certificates/target-certificate.ts';
import { certificateVerifier } from '#core/access/ssh-certificates/verifier.ts';
import { parseCertificate } from '#core/protocols/ssh/keys/certificate.ts';
import { publicKeyOf } from '#core/protocols/ssh/keys/public-key.ts';
import { certificateBookContract } from '#test/contract/certificate-book.ts';
import { DANA, NOW, POLICY } from '#test/core/access/ssh-certificates/support.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

describe.runIf(hasMoto())('SSH certificates in AWS', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  certificateBookContract('DynamoDB', async () =>
    dynamoCertificates({ dynamo: moto.clients.dynamo, table: await moto.table('access') }),
  );

  it('that cannot be kept are not', async () => {
    const away = { dynamo: { send: () => Promise.reject(new Error('away')) } as never, table: 't' };
    const book = dynamoCertificates(away);
    await expect(book.find('1')).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(book.of(DANA, { limit: 1 })).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  const newCa = async (): Promise<string> => {
    const made = await moto.clients.kms.send(
      new CreateKeyCommand({ KeyUsage: 'SIGN_VERIFY', KeySpec: 'ECC_NIST_P256' }),
    );
    return made.KeyMetadata!.Arn!;
  };

  it('are signed by the newest CA of KMS, and those of the one before are believed', async () => {
    const { kms } = moto.clients;
    const [older, newer] = [await newCa(), await newCa()];
    const both = `${newer},${older}`;
    const cas = await kmsCaKeys(kms, both);
    const key = publicKeyOf(generateKeyPairSync('ed25519').publicKey);
    const circumstances = { policy: POLICY, now: NOW, serial: 5n };
    const verifier = certificateVerifier({ cas: () => cas, policy: () => POLICY, now: () => NOW });
    for (const [arn, ca] of [
      [both, cas[0]!],
      [older, cas[1]!],
    ] as const) {
      const { certificate } = await issueCertificate({ key }, DANA, circumstances, kmsCa(kms, arn));
      expect(parseCertificate(certificate).ca.fingerprint).toBe(ca.fingerprint);
      const device = { key: key.fingerprint, proof: 'ssh-certificate' as const };
      expect((await verifier.verify(certificate, device, undefined)).subject).toBe('dana');
    }
  });

  it('for targets are signed by another', async () => {
    const ca = kmsCa(moto.clients.kms, await newCa());
    const login = { login: 'deploy', target: 'web-1', session: 's', person: DANA, now: NOW };
    const { certificate, key } = await targetCertificate(login, ca);
    expect(parseCertificate(certificate)).toMatchObject({
      principals: ['deploy'],
      key: { fingerprint: key.publicKey.fingerprint },
    });
  });

  it('need a CA', () => {
    for (const none of [undefined, '', ','])
      expect(() => kmsCa(moto.clients.kms, none)).toThrow(
        expect.objectContaining({ code: 'config-invalid' }),
      );
  });
});
