import { Command } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { type Cli, printJson, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { type Paging, printPages, readLimit } from '../paging.ts';
import { type Certificate, certificatePages, revokeCertificate } from '../ssh/api.ts';

interface ListOptions extends Paging {
  readonly json?: true;
}

export function sshCertificatesCommand(cli: Cli): Command {
  const certificates = new Command('ssh-certificates')
    .description('your certificates for ssh; revoke one')
    .enablePositionalOptions();
  certificates.addCommand(listCommand(cli), { isDefault: true });
  return certificates.addCommand(revokeCommand(cli));
}

function listCommand(cli: Cli): Command {
  return new Command('list')
    .description('your certificates, newest first; ended ones for 30 days')
    .option('--limit <n>', 'how many at most, or all', readLimit, 20)
    .option('--cursor <cursor>', 'go on from here')
    .option('--json', 'as one line of JSON')
    .action(async ({ limit, cursor, json }: ListOptions) => {
      const pages = certificatePages(await connectApi(cli), { limit, cursor });
      await printPages(cli, pages, { ...LISTED, row: (one: Certificate) => row(cli, one) }, json === true);
    });
}

const LISTED = { name: 'certificates', headings: ['SERIAL', 'KEY', 'ISSUED', 'STATE', 'GOOD FOR'] };

function row(cli: Cli, certificate: Certificate): string[] {
  const { serial, key, issuedAt } = certificate;
  return [serial, key, wholeSeconds(issuedAt), stateText(cli, certificate), termsText(certificate)];
}

function stateText(cli: Cli, { expiresAt, revokedAt }: Certificate): string {
  if (revokedAt !== undefined) return `revoked ${wholeSeconds(revokedAt)}`;
  return `${Date.parse(expiresAt) > cli.now() ? 'until' : 'ended'} ${wholeSeconds(expiresAt)}`;
}

function wholeSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}

function termsText({ target, sourceAddress, forceCommand }: Certificate): string {
  const from = sourceAddress === undefined ? [] : [`from ${sourceAddress}`];
  const command = forceCommand === undefined ? [] : [`for the command ${forceCommand}`];
  return [target ?? 'every target', ...from, ...command].join(', ');
}

function revokeCommand(cli: Cli): Command {
  return new Command('revoke')
    .description('no longer believe a certificate; its sessions end within seconds')
    .argument('<serial>')
    .option('--json', 'as one line of JSON')
    .action(async (serial: string, { json }: { json?: true }) => {
      if (!/^\d{1,20}$/.test(serial))
        throw new CustodyError('format-invalid', `${serial} is no serial number of a certificate`, {
          hint: 'custody ssh-certificates lists them',
        });
      const revoked = await revokeCertificate(await connectApi(cli), serial);
      if (json) return printJson(cli, revoked);
      say(cli, `the certificate ${serial} is revoked`);
    });
}
