/** Key and certificate in ssh-agent, for programs that know nothing else. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from '../cli.ts';
import { keptCertificate } from './certificate.ts';
import type { DeviceKey } from './device-key.ts';
import { runSshTool } from './tools.ts';

/** ssh-add takes the certificate from beside the key, so both stand under one name for a moment. It forgets them when the certificate ends. */
export async function addToAgent(cli: Cli, key: DeviceKey, certificate: string): Promise<void> {
  if (key.kind === 'agent') throw heldThere();
  const folder = mkdtempSync(join(tmpdir(), 'custody-'));
  try {
    const name = join(folder, 'custody');
    symlinkSync(key.identity, name);
    symlinkSync(cli.home.path(certificate), `${name}-cert.pub`);
    const until = keptCertificate(cli, certificate)?.validBefore?.getTime() ?? cli.now();
    const seconds = Math.max(1, Math.floor((until - cli.now()) / 1000));
    await runSshTool(cli, 'ssh-add', ['-q', '-t', String(seconds), name], { asks: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An agent takes a certificate only together with its private key. */
function heldThere(): CustodyError {
  return new CustodyError(
    'unsupported',
    'the agent has this key already, and takes no certificate for it alone',
    {
      hint: 'leave --agent out: custody ssh-config shows ssh the certificate',
    },
  );
}
