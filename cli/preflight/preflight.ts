/** What a deployment needs, and CloudFormation finds out too late: tasks that do not start take half an hour to be given up. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountOf } from '../aws/account.ts';
import { askWith } from '../aws/ask.ts';
import { awsCli } from '../aws/aws-cli.ts';
import { getText } from '../aws/get-text.ts';
import type { Cli } from '../cli.ts';
import type { Check } from '../findings/finding.ts';
import { exitCodeOf, report } from '../findings/report.ts';
import { type Deployment, readDeployment } from '../init/settings.ts';
import { accountFindings, bootstrapFindings, serviceRoleFindings } from './account.ts';
import { clusterFindings } from './eks.ts';
import { databaseFindings } from './rds.ts';
import { tlsFindings } from './gateway-certificate.ts';
import { imageFindings, type Program, runProgram } from './image.ts';
import { issuerFindings } from './issuers.ts';
import { type Lookup, lookupHost, nameFindings } from './names.ts';
import { networkFindings } from './network.ts';
import { quotaFindings } from './quotas.ts';
import { rdsCertificates } from './rds-certificates.ts';
import { secretFindings } from './secrets.ts';
import { targetFindings } from './postgres-from-here.ts';
import { trailFindings } from './trail.ts';
import type { Ask } from '../aws/ask.ts';
import type { Get } from '../init/discovered.ts';

export interface PreflightOptions {
  readonly profile?: string;
  readonly json?: true;
}

const NOT_LOOKED_AT = 2;

/** What it looks at the world with. */
export interface PreflightPorts {
  readonly ask: Ask;
  readonly get: Get;
  readonly resolve: Lookup;
  readonly program: Program;
  readonly now: Date;
}

export async function preflight(cli: Cli, { profile, json }: PreflightOptions): Promise<void> {
  cli.exitWith(NOT_LOOKED_AT);
  const deployment = readDeployment(process.cwd());
  const ask = askWith(awsCli(process.env, { region: deployment.settings.region, profile }));
  const account = await accountOf(ask);
  const ports = { ask, get: getText, resolve: lookupHost, program: runProgram, now: new Date(cli.now()) };
  const found = await report(cli, checksOf(deployment, account, ports), {
    none: 'nothing is in the way of a deployment',
    json: json === true,
  });
  cli.exitWith(exitCodeOf(found));
}

/** By what is looked at, in the order to read it. */
export function checksOf(
  deployment: Deployment,
  account: string,
  { ask, get, resolve, program, now }: PreflightPorts,
): Readonly<Record<string, Check>> {
  const { settings, config, folder } = deployment;
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return {
    account: () => accountFindings(settings, account, ask),
    bootstrap: () => bootstrapFindings(ask),
    'service roles': () => serviceRoleFindings(ask),
    certificate: () => tlsFindings(deployment, ask, now),
    secrets: () => secretFindings(settings, config, ask),
    issuers: () => issuerFindings(config, { get, read }),
    databases: () => databaseFindings(settings, config, ask),
    'databases from here': () => targetFindings(deployment, rdsCertificates),
    clusters: () => clusterFindings(settings, config, ask),
    network: () => networkFindings(settings, ask),
    quotas: () => quotaFindings(settings, ask),
    names: () => nameFindings(settings, ask, resolve),
    CloudTrail: () => trailFindings(settings, ask),
    image: () => imageFindings(settings, program),
  };
}
