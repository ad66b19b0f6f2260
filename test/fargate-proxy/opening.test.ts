import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import type { Principal } from '#core/identity/principal.ts';
import { openStatementSchema } from '#core/recording/format.ts';
import { openingOf } from '#proxy/opening.ts';
import { NOW, principal } from '#test/core/access/support.ts';

const KEY = `ssh-ed25519 ${'A'.repeat(68)}`;
const DEVICE = {
  key: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU',
  proof: 'ssh-certificate',
  user: { present: true, verified: false },
} as const;

function opening(
  recording: string,
  greeting: Partial<Parameters<typeof openingOf>[1]['greeting']> = {},
  who: Partial<Principal> = {},
) {
  const policy = parseConfig(
    `version: 1
identity: { issuer: "https://id.example", audience: custody }
targets:
  web-1: { protocol: ssh, address: "web.internal:22", hostKeys: ["${KEY}"], logins: { deploy: { keyFile: k } }, recording: ${recording} }
rules: [{ name: all, groups: [developers], targets: [web-1], allow: [connect] }]
`,
    'custody.yaml',
  );
  const question = { policy, action: 'connect', target: 'web-1', now: NOW } as const;
  const permission = decide({ ...question, principal: principal('dana', ['developers'], who) });
  if (!Authorization.isOne(permission)) throw new Error(permission.message);
  const particulars = { address: '192.0.2.1:4000', gateway: { version: '1', task: 't' }, now: NOW };
  return openingOf(permission, { greeting: { client: {}, ...greeting }, ...particulars });
}

describe('openingOf', () => {
  it('names the login, also where nobody named one and there is only one', () => {
    expect(opening('{}', { login: 'deploy' }).target.login).toBe('deploy');
    expect(opening('{}').target.login).toBe('deploy');
  });

  it('names the device that proved its key, how, and what it said of its user', () => {
    expect(opening('{}', { device: { ...DEVICE, thumbprint: 'x' } }).device).toEqual(DEVICE);
    expect(opening('{}')).not.toHaveProperty('device');
  });

  it('names the certificate that let its holder in', () => {
    const certificate = { serial: '12297829382473034410', key: DEVICE.key, issuedAt: NOW };
    expect(opening('{}', {}, { certificate }).certificate).toEqual({ serial: certificate.serial });
    expect(opening('{}')).not.toHaveProperty('certificate');
  });

  it('says beforehand that files stand as digests', () => {
    expect(opening('{ files: digest }').files).toBe('digest');
    expect(opening('{ files: full }')).not.toHaveProperty('files');
  });

  it('is of the shape that the format has', () => {
    const { target, device, files } = openStatementSchema.shape;
    const made = opening('{ files: digest }', { device: DEVICE });
    expect([target.parse(made.target), device.parse(made.device), files.parse(made.files)]).toEqual([
      made.target,
      made.device,
      'digest',
    ]);
  });
});
