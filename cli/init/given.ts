import { CustodyError } from '#core/errors.ts';
import type { CertificateSource } from './certificate-source.ts';
import { providerOf } from './identity.ts';

/** The flags of `custody init aws`. */
export interface Given {
  readonly out: string;
  readonly hostname?: string;
  readonly zone?: string;
  readonly issuer?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly groupsClaim?: string;
  readonly developers?: string;
  readonly reviewers?: string;
  readonly administrators?: string;
  readonly database?: readonly string[];
  readonly readers?: true;
  readonly vpc?: string;
  readonly clients?: readonly string[];
  readonly certificate?: string;
  readonly key?: string;
  readonly acm?: string;
  readonly create?: true;
  readonly region?: string;
  readonly profile?: string;
  readonly yes?: true;
  readonly force?: true;
}

/** Where nobody can be asked, all that is missing is said at once. Throws `config-invalid`. */
export function requireGiven(given: Given): void {
  const { hostname, issuer, clientId, yes } = given;
  const missing = [
    ...(hostname === undefined ? ['--hostname NAME'] : []),
    ...(issuer === undefined ? ['--issuer URL'] : []),
    ...(clientId === undefined ? ['--client-id ID'] : []),
    ...(issuer === undefined || !URL.canParse(issuer) ? [] : missingOf(given, issuer)),
    ...(yes ? [] : ['--yes, to take what is proposed for all else']),
  ];
  if (missing.length === 0) return;
  throw new CustodyError(
    'config-invalid',
    `nobody can be asked here, and these are missing: ${missing.join(', ')}`,
    {
      hint: 'run it on a terminal, or give them',
    },
  );
}

function missingOf({ groupsClaim, clientSecret, developers, reviewers }: Given, issuer: string): string[] {
  const provider = providerOf(issuer);
  const hasClaim =
    groupsClaim !== undefined || provider.groupsClaim !== undefined || provider.noGroups === true;
  return [
    ...(hasClaim ? [] : ['--groups-claim NAME']),
    ...(provider.clientSecret && clientSecret === undefined ? ['--client-secret SECRET'] : []),
    ...(provider.noGroups && developers === undefined ? ['--developers E-MAIL,…'] : []),
    ...(provider.noGroups && reviewers === undefined ? ['--reviewers E-MAIL,…'] : []),
  ];
}

/** Throws `config-invalid` where flags contradict each other. */
export function certificateGiven({
  certificate,
  key,
  acm,
}: Pick<Given, 'certificate' | 'key' | 'acm'>): CertificateSource | undefined {
  if ((certificate === undefined) !== (key === undefined))
    throw new CustodyError('config-invalid', '--certificate and --key are given together');
  if (certificate !== undefined && acm !== undefined)
    throw new CustodyError('config-invalid', 'the certificate is either in files or in ACM');
  if (acm !== undefined) return { kind: 'acm', arn: acm };
  return certificate === undefined || key === undefined
    ? undefined
    : { kind: 'files', cert: certificate, key };
}
