import { generateKeyPairSync } from 'node:crypto';
import { certificateToSign, sealCertificate } from '#core/protocols/ssh/keys/certificate-make.ts';
import { formatKeyLine, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { publicKeyOf } from '#core/protocols/ssh/keys/public-key.ts';
import { signWith } from '#core/protocols/ssh/keys/signature.ts';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { environment, fakeApi } from '../support.ts';

export const WEB = {
  name: 'web-1',
  protocol: 'ssh',
  host: '127.0.0.1',
  port: 7422,
  logins: ['deploy', 'root'],
};

/** A line for a key that nobody uses. */
export function keyLine(): string {
  return formatKeyLine(publicKeyOf(generateKeyPairSync('ed25519').publicKey).blob);
}

/** An API of a gateway with an SSH target, which certifies what it is sent. */
export async function sshApi(validMs = 3_600_000) {
  const api = await fakeApi(pem(makeSigner()).toString());
  const hostKeys = [keyLine()];
  api.answers.set('/v1/targets', { targets: [WEB] });
  api.answers.set('/v1/ssh', { host: WEB.host, port: WEB.port, hostKeys, userCa: [], targetCa: [] });
  const ca = generateKeyPairSync('ed25519');
  const times = { validMs };
  api.answers.set('POST /v1/ssh/certificates', () => {
    const { publicKey } = api.requests.at(-1)!.body as { publicKey: string };
    const expiresAt = new Date(Date.now() + times.validMs);
    const certificate = certificateFor(ca, publicKey, expiresAt);
    return {
      certificate,
      serial: '7',
      key: '',
      keyId: 'dana',
      issuedAt: '',
      expiresAt: expiresAt.toISOString(),
    };
  });
  return { api, env: environment(api), hostKeys, times };
}

/** Everything of `certificateToSign`, signed by a key that is here. */
function certificateFor(
  ca: ReturnType<typeof generateKeyPairSync>,
  publicKey: string,
  validBefore: Date,
): string {
  const caKey = publicKeyOf(ca.publicKey);
  const content = {
    kind: 'user' as const,
    key: parsePublicKeyLine(publicKey),
    serial: 7n,
    keyId: 'dana',
    principals: ['custody'],
    validAfter: new Date(0),
    validBefore,
  };
  const toSign = certificateToSign(content, caKey, new Uint8Array(32));
  return formatKeyLine(
    sealCertificate(toSign, signWith(ca.privateKey, 'ssh-ed25519', 'ssh-ed25519', toSign)),
  );
}
