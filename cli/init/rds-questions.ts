import { CustodyError } from '#core/errors.ts';
import type { Database } from '../aws/rds.ts';
import { nameOf, networksOf, type Vpc } from '../aws/vpcs.ts';
import { listOf } from './ask-identity.ts';
import type { Given } from './given.ts';
import type { Interview } from './interview.ts';
import type { Plan } from './plan.ts';
import { targetsOf } from './rds-targets.ts';

const NEW = 'new';

/** Which databases, and the network that tasks run in. `tell`: for the person. */
export async function askTargets(
  interview: Interview,
  given: Given,
  { databases, vpcs }: { readonly databases: readonly Database[]; readonly vpcs: readonly Vpc[] },
  tell: (words: string) => void,
): Promise<Pick<Plan, 'targets' | 'vpcId' | 'clients'>> {
  const chosen = await askDatabases(interview, given, databases, tell);
  const readers = given.readers === true || (await askReaders(interview, given, chosen));
  const vpc = await askVpc(interview, given, vpcs, chosen);
  const clients = listOf(
    await interview.text('Networks that clients come from', {
      given: given.clients?.join(','),
      proposal: vpc === undefined ? '10.0.0.0/8' : networksOf(vpc).join(', '),
    }),
  );
  const vpcId = vpc?.VpcId;
  return {
    targets: targetsOf(chosen, { readers, vpcId }),
    clients,
    ...(vpcId === undefined ? {} : { vpcId }),
  };
}

async function askDatabases(
  interview: Interview,
  { database }: Given,
  databases: readonly Database[],
  tell: (words: string) => void,
): Promise<readonly Database[]> {
  if (databases.length === 0) {
    tell('no database of RDS or Aurora that speaks PostgreSQL was found: add targets to custody.yaml');
    if (database === undefined) return [];
  }
  for (const [at, { id, engine, host, takesIam }] of databases.entries())
    tell(`  ${at + 1}  ${id}  ${engine}  ${host}${takesIam ? '  IAM authentication' : ''}`);
  const answer = await interview.text('Which databases (numbers or names, all, none)', {
    given: database?.join(','),
    proposal: 'all',
    mistake: (text) => mistakeIn(text, databases),
  });
  return chosenOf(answer, databases);
}

function chosenOf(text: string, databases: readonly Database[]): readonly Database[] {
  if (text === 'none') return [];
  if (text === 'all') return databases;
  return listOf(text).flatMap((one) => named(one, databases) ?? []);
}

function named(one: string, databases: readonly Database[]): Database | undefined {
  return databases.find(({ id }) => id === one) ?? databases[Number(one) - 1];
}

function mistakeIn(text: string, databases: readonly Database[]): string | undefined {
  if (text === 'none' || text === 'all') return undefined;
  const other = listOf(text).find((one) => named(one, databases) === undefined);
  if (other === undefined) return undefined;
  return `there is no ${other}; there are: ${databases.map(({ id }) => id).join(', ') || 'none'}`;
}

async function askReaders(
  interview: Interview,
  { yes }: Given,
  chosen: readonly Database[],
): Promise<boolean> {
  const withReaders = chosen.filter(({ readerHost }) => readerHost !== undefined).map(({ id }) => id);
  if (withReaders.length === 0 || yes) return false;
  return interview.agrees(`Readers of ${withReaders.join(', ')} as targets of their own`);
}

/** That of the databases, where there is one: from there the way to them is short. */
async function askVpc(
  interview: Interview,
  { vpc }: Given,
  vpcs: readonly Vpc[],
  chosen: readonly Database[],
): Promise<Vpc | undefined> {
  const near = chosen.find(({ vpcId }) => vpcs.some(({ VpcId }) => VpcId === vpcId))?.vpcId;
  const answer = await interview.text(`VPC for the gateway (${[...vpcs.map(nameOf), NEW].join(', ')})`, {
    given: vpc,
    proposal: near ?? NEW,
    mistake: (text) =>
      text === NEW || vpcs.some(({ VpcId }) => VpcId === text)
        ? undefined
        : `expected the id of a VPC, or ${NEW}`,
  });
  if (answer === NEW) return undefined;
  const found = vpcs.find(({ VpcId }) => VpcId === answer);
  if (found === undefined) throw new CustodyError('config-invalid', `there is no VPC ${answer}`);
  return found;
}
