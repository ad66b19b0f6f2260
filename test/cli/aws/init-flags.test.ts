import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { custody, temporary } from '../support.ts';

/** With an AWS CLI that must not be asked. */
async function init(...args: string[]) {
  const [bin, folder] = [temporary(), temporary()];
  mkdirSync(join(bin, 'bin'));
  writeFileSync(join(bin, 'bin', 'aws'), '#!/bin/sh\necho AWS-WAS-ASKED >&2; exit 1\n', { mode: 0o755 });
  const env = { PATH: `${join(bin, 'bin')}:${process.env['PATH']}` };
  const { code, stderr } = await custody(['init', 'aws', '--out', folder, ...args], { env });
  return { code, stderr, files: readdirSync(folder) };
}

describe('custody init aws, where nobody can be asked', () => {
  it.each<[what: string, args: string[], says: string]>([
    [
      'says all that is missing at once',
      ['--issuer', 'https://acme.eu.auth0.com/'],
      'missing: --hostname NAME, --client-id ID, --groups-claim NAME, --yes',
    ],
    [
      'asks who is in which group where tokens have none',
      ['--yes', '--hostname', 'g.example.com', '--client-id', 'x', '--issuer', 'https://accounts.google.com'],
      'missing: --client-secret SECRET, --developers E-MAIL,…, --reviewers E-MAIL,…',
    ],
    [
      'takes no certificate without its key',
      [
        '--yes',
        '--hostname',
        'g.example.com',
        '--client-id',
        'x',
        '--issuer',
        'https://x.example.com',
        '--certificate',
        'x.pem',
      ],
      '--certificate and --key are given together',
    ],
  ])('%s, and asks AWS nothing', async (_what, args, says) => {
    const { code, stderr, files } = await init(...args);
    expect([code, stderr, files]).toEqual([1, expect.stringContaining(says), []]);
    expect(stderr).not.toContain('AWS-WAS-ASKED');
  });
});
