import { createInterface, type Interface } from 'node:readline/promises';
import { CustodyError } from '#core/errors.ts';
import { type Api, getIssuers } from './api.ts';
import type { OfferedIssuer, WorkloadIssuer } from './api-shapes.ts';
import { type Cli, say } from './cli.ts';

/** The local gateway's, where the API is too old to say. */
const DEFAULT_ISSUER = 'http://127.0.0.1:7401';

type Named = Pick<OfferedIssuer | WorkloadIssuer, 'name' | 'issuer' | 'kind'>;

const WHO = { person: 'people', workload: 'machines' } as const;

/** Where a person logs in: what `wanted` names, by name or address, else the only one, else the one that is chosen. */
export async function issuerForPerson(
  cli: Cli,
  api: Api,
  wanted: string | undefined,
): Promise<OfferedIssuer | string> {
  const all = await getIssuers(api);
  const issuers = all.filter((one) => one.kind === 'person');
  const named = issuers.find((one) => isMeant(one, wanted));
  if (named !== undefined) return named;
  // An address that the API does not know: whoever gives it knows better, or will hear it from the gateway.
  if (wanted !== undefined && URL.canParse(wanted)) return wanted;
  if (wanted !== undefined) throw unknown(wanted, 'person', all);
  if (all.length === 0) return DEFAULT_ISSUER;
  if (issuers.length === 0)
    throw new CustodyError('not-found', 'people cannot log in to this gateway', {
      hint: 'its issuers are for machines: custody login --workload',
    });
  return issuers.length === 1 ? issuers[0]! : choose(cli, issuers);
}

/** The issuers that a machine's token may be of; those that `wanted` names. */
export async function issuersForWorkload(
  api: Api,
  wanted: string | undefined,
): Promise<readonly WorkloadIssuer[]> {
  const all = await getIssuers(api);
  const issuers = all.filter((one) => one.kind === 'workload');
  const fitting = issuers.filter((one) => wanted === undefined || isMeant(one, wanted));
  if (fitting.length > 0) return fitting;
  if (wanted !== undefined) throw unknown(wanted, 'workload', all);
  throw new CustodyError('not-found', 'machines cannot log in to this gateway', {
    hint: 'custody.yaml needs an issuer with kind: workload under identity',
  });
}

async function choose(cli: Cli, issuers: readonly OfferedIssuer[]): Promise<OfferedIssuer> {
  const { stdin } = cli;
  if (!('isTTY' in stdin && stdin.isTTY === true)) throw ambiguous(issuers);
  for (const [at, { name, title = name, issuer }] of issuers.entries())
    say(cli, `${at + 1}  ${title}  ${issuer}`);
  const asking = createInterface({ input: stdin, output: cli.stderr });
  try {
    return await answer(asking, issuers);
  } catch {
    // Ctrl-C or Ctrl-D.
    throw ambiguous(issuers);
  } finally {
    asking.close();
  }
}

async function answer(asking: Interface, issuers: readonly OfferedIssuer[]): Promise<OfferedIssuer> {
  for (;;) {
    const said = (await asking.question(`which one? [1-${issuers.length}] `)).trim();
    const chosen = issuers[Number(said) - 1] ?? issuers.find(({ name }) => name === said);
    if (chosen !== undefined) return chosen;
  }
}

function ambiguous(issuers: readonly OfferedIssuer[]): CustodyError {
  return new CustodyError('not-found', 'this gateway takes logins of several identity providers', {
    hint: `say which: ${issuers.map(({ name }) => `custody login --issuer ${name}`).join(', ')}`,
  });
}

function isMeant({ name, issuer }: Named, wanted: string | undefined): boolean {
  return name === wanted || issuer === wanted;
}

function unknown(wanted: string, kind: Named['kind'], all: readonly Named[]): CustodyError {
  return new CustodyError('not-found', `this gateway has no issuer ${wanted} for ${WHO[kind]}`, {
    hint: instead(wanted, kind, all),
  });
}

function instead(wanted: string, kind: Named['kind'], all: readonly Named[]): string {
  const other = all.find((one) => isMeant(one, wanted));
  if (other !== undefined) {
    const flag = other.kind === 'workload' ? ' --workload' : '';
    return `${wanted} is for ${WHO[other.kind]}: custody login${flag} --issuer ${other.name}`;
  }
  const names = all.filter((one) => one.kind === kind).map(({ name }) => name);
  if (names.length > 0) return `there are: ${names.join(', ')}`;
  return kind === 'person'
    ? 'give its address: --issuer https://…'
    : 'machines cannot log in to this gateway';
}
