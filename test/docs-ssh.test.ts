/** docs/ssh.md: what people copy from there is taken. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { formatKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { publicKeyOf } from '#core/protocols/ssh/keys/public-key.ts';

const page = readFileSync(new URL('../docs/ssh.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => block!);
const key = formatKeyLine(publicKeyOf(generateKeyPairSync('ed25519').publicKey).blob).trim();

it('gives a custody.yaml that is taken, but for the keys and roots that it leaves out', () => {
  const whole =
    `version: 1\nidentity: { issuer: "https://id.example", audience: custody }\n${blocks.join('')}`
      .replace('ssh-ed25519 AAAA…', key)
      .replace(/, *attestation: .*|^ *attestation: .*\n/m, '');
  const { targets, rules, devices, ssh } = parseConfig(whole, 'custody.yaml');
  expect(blocks).toHaveLength(2);
  expect(targets.get('web-1')).toMatchObject({ protocol: 'ssh', recording: { files: 'digest' } });
  expect(rules.map(({ name }) => name)).toEqual(['developers', 'uploads']);
  expect(devices).toMatchObject({ mfa: 'required' });
  expect(ssh.certificates).toMatchObject({ devices: 'registered' });
});
