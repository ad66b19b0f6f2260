import { askWith } from '../aws/ask.ts';
import type { Aws } from '../aws/aws-cli.ts';
import { type Cli, say } from '../cli.ts';
import { type CertificateSource, certificateFrom, type GatewayCertificate } from './certificate-source.ts';
import { newPassword, scramVerifier } from './postgres-login.ts';
import type { Given } from './given.ts';
import type { Interview } from './interview.ts';
import { ownCa } from './own-ca.ts';
import { CA_SECRET, DATABASE_USER, type Plan, TLS_SECRET } from './plan.ts';
import { putSecret, type WantedSecret, wantedSecrets } from './secrets-to-make.ts';

/** What was made in the account, and what goes into files because of it. */
export interface Registered {
  /** Secrets that were made. */
  readonly made: readonly string[];
  /** Those that have to be there before a deployment, and are not. */
  readonly missing: readonly string[];
  readonly caPem?: string;
  /** What databases keep of passwords that were made, by the names of targets. */
  readonly verifiers: Readonly<Record<string, string>>;
}

interface Context {
  readonly aws: Aws;
  readonly plan: Plan;
  readonly source: CertificateSource | undefined;
}

/** Makes the secrets that the files will name, each only where somebody agreed; what is there stays as it is. */
export async function registerSecrets(
  cli: Cli,
  interview: Interview,
  given: Given,
  { aws, plan, source = { kind: 'own' } }: Context,
): Promise<Registered> {
  const ask = askWith(aws);
  const certificate = { name: TLS_SECRET, what: `certificate and key of ${plan.hostname}` };
  const passwords = plan.targets.flatMap(({ login }) => ('secret' in login ? login.secret : []));
  const ofTargets = [...new Set(passwords)].map((name) => ({
    name,
    what: `password of ${DATABASE_USER} in a database`,
  }));
  const wanted = await wantedSecrets(ask, [certificate, ...ofTargets]);
  const ca = source.kind === 'own' ? await ownCa(ask, new Date(cli.now())) : undefined;
  const absent = wanted.filter(({ isThere }) => !isThere);
  const isThere = wanted.filter((one) => one.isThere).map(({ name }) => name);
  if (isThere.length > 0) say(cli, `there already, and left as they are: ${isThere.join(', ')}`);
  if (absent.length === 0) return { made: [], missing: [], verifiers: {}, ...caOf(ca) };
  const names = [...absent.map(({ name }) => name), ...(needsCa(absent, source, ca) ? [CA_SECRET] : [])];
  const agreed =
    given.create === true ||
    (await interview.agrees(
      `Make these secrets in account ${plan.account}, ${plan.region}: ${names.join(', ')}`,
    ));
  if (!agreed) return { made: [], missing: names, verifiers: {}, ...caOf(ca) };
  return make(cli, aws, absent, { plan, source, ca });
}

type Ca = Awaited<ReturnType<typeof ownCa>>;

function caOf(ca: Ca): { readonly caPem?: string } {
  return ca === undefined ? {} : { caPem: ca.cert };
}

function needsCa(absent: readonly WantedSecret[], source: CertificateSource, ca: Ca): boolean {
  return source.kind === 'own' && ca === undefined && absent.some(({ name }) => name === TLS_SECRET);
}

async function make(
  cli: Cli,
  aws: Aws,
  absent: readonly WantedSecret[],
  { plan, source, ca }: { readonly plan: Plan; readonly source: CertificateSource; readonly ca: Ca },
): Promise<Registered> {
  const made: string[] = [];
  const verifiers: Record<string, string> = {};
  let caPem = ca?.cert;
  for (const secret of absent) {
    if (secret.name === TLS_SECRET) {
      const now = new Date(cli.now());
      const certificate = await certificateFrom(source, { aws, names: [plan.hostname], now, ca });
      made.push(...(await putCertificate(cli, aws, secret, certificate)));
      ({ caPem } = certificate);
    } else {
      const password = newPassword();
      await putSecret(cli, aws, secret, password);
      made.push(secret.name);
      const verifier = scramVerifier(password);
      for (const { name, login } of plan.targets)
        if ('secret' in login && login.secret === secret.name) verifiers[name] = verifier;
    }
  }
  return { made, missing: [], verifiers, ...(caPem === undefined ? {} : { caPem }) };
}

/** The CA first: a certificate whose CA is lost could never be renewed. The names of what was made. */
export async function putCertificate(
  cli: Cli,
  aws: Aws,
  secret: WantedSecret,
  { cert, key, newCa }: GatewayCertificate,
): Promise<string[]> {
  if (newCa !== undefined) {
    const what = "the CA of the gateway's certificate, and its key: only who renews the certificate reads it";
    await putSecret(cli, aws, { name: CA_SECRET, what, isThere: false }, JSON.stringify(newCa));
  }
  await putSecret(cli, aws, secret, JSON.stringify({ cert, key }));
  return [...(newCa === undefined ? [] : [CA_SECRET]), secret.name];
}
