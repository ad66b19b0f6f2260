import { createPrivateKey, randomBytes } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { answerOf } from '../aws/ask.ts';
import type { Aws } from '../aws/aws-cli.ts';
import { certificateFindings, certificatesIn, readPair } from '../findings/certificate.ts';
import { readGivenFile } from '../given-file.ts';
import { type CertificatePair, newAuthority, newServerCertificate } from './authority.ts';

/** Where the gateway's certificate comes from. */
export type CertificateSource =
  | { readonly kind: 'own' }
  | { readonly kind: 'files'; readonly cert: string; readonly key: string }
  | { readonly kind: 'acm'; readonly arn: string };

export interface GatewayCertificate extends CertificatePair {
  /** What clients verify it with, where that is no public CA. */
  readonly caPem?: string;
  /** The CA's own, where it is new. */
  readonly newCa?: CertificatePair;
}

const PEM_MAX = 256 << 10;

/** A certificate that is of these names, in its time, and belongs to its key. Throws `config-invalid` where it is not. */
export async function certificateFrom(
  source: CertificateSource,
  {
    aws,
    names,
    now,
    ca,
  }: {
    readonly aws: Aws;
    readonly names: readonly string[];
    readonly now: Date;
    /** The gateway's own, where there is one. */
    readonly ca: CertificatePair | undefined;
  },
): Promise<GatewayCertificate> {
  const made = await obtained();
  refuseUnfit(made, names, now);
  return made;

  async function obtained(): Promise<GatewayCertificate> {
    switch (source.kind) {
      case 'own':
        return ofOwnCa(names, now, ca);
      case 'files': {
        const [cert, key] = [source.cert, source.key].map((file) => readGivenFile(file, PEM_MAX)) as [
          string,
          string,
        ];
        return withRoot({ cert, key });
      }
      case 'acm':
        return withRoot(await exported(aws, source.arn));
    }
  }
}

async function ofOwnCa(
  names: readonly string[],
  now: Date,
  known: CertificatePair | undefined,
): Promise<GatewayCertificate> {
  const [hostname = '', ...others] = names;
  refuseOutside(hostname, others);
  const ca = known ?? (await newAuthority(hostname, now));
  const pair = await newServerCertificate(ca, names, now);
  return { ...pair, caPem: ca.cert, ...(known === undefined ? { newCa: ca } : {}) };
}

/** The CA is for the host and what is below it. */
function refuseOutside(hostname: string, names: readonly string[]): void {
  const other = names.find((name) => !name.endsWith(`.${hostname}`));
  if (other === undefined) return;
  throw new CustodyError('config-invalid', `the gateway's own CA makes no certificate for ${other}`, {
    hint: `it may sign for ${hostname} and names below it: choose serverNames there, or bring a certificate with --certificate and --key`,
  });
}

/** Of a private CA, a chain often has the root: what clients have to be given. */
function withRoot(pair: CertificatePair): GatewayCertificate {
  const last = certificatesIn(pair.cert).at(-1);
  const isRoot = last !== undefined && last.ca && last.checkIssued(last);
  return isRoot ? { ...pair, caPem: `${last.toString().trim()}\n` } : pair;
}

/**
 * One that ACM exports. Its key comes encrypted under a passphrase of ours.
 * https://docs.aws.amazon.com/acm/latest/APIReference/API_ExportCertificate.html
 */
async function exported(aws: Aws, arn: string): Promise<CertificatePair> {
  const passphrase = randomBytes(24).toString('base64url');
  const args = ['acm', 'export-certificate', '--certificate-arn', arn, '--passphrase', 'fileb:///dev/stdin'];
  const answer = answerOf<Exported>(await aws(args, passphrase));
  if ('refused' in answer) {
    throw new CustodyError('config-invalid', `ACM does not export ${arn}: ${answer.refused.words}`, {
      hint: 'it exports certificates of a private CA, and public ones that were requested as exportable',
    });
  }
  const { Certificate, CertificateChain = '', PrivateKey } = answer.found;
  const key = createPrivateKey({ key: PrivateKey, passphrase }).export({ type: 'pkcs8', format: 'pem' });
  return { cert: `${Certificate.trim()}\n${CertificateChain.trim()}\n`, key: String(key) };
}

interface Exported {
  readonly Certificate: string;
  readonly CertificateChain?: string;
  readonly PrivateKey: string;
}

function refuseUnfit(pair: CertificatePair, names: readonly string[], now: Date): void {
  const read = readPair(pair);
  if (read === undefined)
    throw new CustodyError(
      'config-invalid',
      'the certificate or its key cannot be read: expected PEM, without a passphrase',
    );
  const mistake = certificateFindings('the certificate', read, names, now).find(
    ({ result }) => result === 'bad',
  );
  if (mistake === undefined) return;
  const hint = mistake.todo === undefined ? {} : { hint: mistake.todo };
  throw new CustodyError('config-invalid', `${mistake.about}: ${mistake.what}`, hint);
}
