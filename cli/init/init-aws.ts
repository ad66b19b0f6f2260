/** `custody init aws`: from an account and a few answers to a folder that can be deployed. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readDeploymentConfig } from '#cdk/config.ts';
import { configJsonSchema, parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { accountOf, type Place, regionOf } from '../aws/account.ts';
import { askWith, type Ask } from '../aws/ask.ts';
import { type Aws, awsCli } from '../aws/aws-cli.ts';
import { databasesOf } from '../aws/rds.ts';
import { vpcsOf } from '../aws/vpcs.ts';
import { type Zone, zoneAbove } from '../aws/zones.ts';
import { type Cli, say } from '../cli.ts';
import { getText } from '../aws/get-text.ts';
import { askIdentity } from './ask-identity.ts';
import { askTargets } from './rds-questions.ts';
import { cdkJson, settingsOf } from './cdk-json.ts';
import { custodyYaml } from './custody-yaml.ts';
import { refuseExisting, writeFiles } from './files.ts';
import { certificateGiven, type Given, requireGiven } from './given.ts';
import { type Interview, openInterview } from './interview.ts';
import { CONFIG_FOLDER, type Plan } from './plan.ts';
import { type Registered, registerSecrets } from './register.ts';

const YAML = join(CONFIG_FOLDER, 'custody.yaml');
const CA_FILE = join(CONFIG_FOLDER, 'gateway-ca.pem');
const SCHEMA = 'custody.schema.json';
const FILES = ['cdk.json', YAML, CA_FILE, SCHEMA];

export interface Initialized {
  readonly folder: string;
  readonly plan: Plan;
  readonly files: readonly string[];
  readonly registered: Registered;
}

/** Asks, registers what it was told to, writes. Nothing is changed anywhere before all questions are answered. */
export async function initAws(cli: Cli, given: Given): Promise<Initialized> {
  const folder = resolve(given.out);
  if (given.yes || !isTerminal(cli)) requireGiven(given);
  const source = certificateGiven(given);
  refuseExisting(folder, FILES, given.force === true);
  const anywhere = askWith(awsCli(process.env, { profile: given.profile }));
  const region = await regionOf(anywhere, cli.env, given.region);
  using interview = openInterview(cli, given.yes === true);
  const place = {
    account: await accountOf(anywhere),
    region: await askRegion(interview, given.region, region),
  };
  const aws = awsCli(process.env, { region: place.region, profile: given.profile });
  const plan = await askPlan(cli, interview, given, { aws, place });
  // Before anything is changed: what cannot be deployed is not begun.
  readDeploymentConfig(settingsOf(plan));
  parseConfig(custodyYaml(plan), YAML);
  const registered = await registerSecrets(cli, interview, given, { aws, plan, source });
  mkdirSync(folder, { recursive: true });
  const files = {
    'cdk.json': cdkJson(plan, folder),
    [YAML]: custodyYaml(plan),
    [SCHEMA]: `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`,
    ...(registered.caPem === undefined ? {} : { [CA_FILE]: registered.caPem }),
  };
  writeFiles(folder, files);
  return { folder, plan, files: Object.keys(files), registered };
}

function isTerminal({ stdin }: Cli): boolean {
  return 'isTTY' in stdin && stdin.isTTY === true;
}

async function askRegion(
  interview: Interview,
  given: string | undefined,
  proposal: string | undefined,
): Promise<string> {
  return interview.text('Region', {
    given,
    proposal,
    mistake: (text) =>
      /^[a-z]{2}(?:-[a-z]+)+-\d$/.test(text) ? undefined : 'expected one such as eu-central-1: --region',
  });
}

async function askPlan(
  cli: Cli,
  interview: Interview,
  given: Given,
  { aws, place }: { readonly aws: Aws; readonly place: Place },
): Promise<Plan> {
  const tell = (words: string): void => say(cli, words);
  tell(`account ${place.account}, ${place.region}`);
  const found = lookAround(askWith(aws));
  const hostname = await interview.text('Host name of the gateway, such as gateway.example.com', {
    given: given.hostname,
    mistake: hostMistake,
  });
  const zone = await askZone(interview, given.zone, await zoneAbove(askWith(aws), hostname));
  const identity = await askIdentity(interview, given, getText, tell);
  const targets = await askTargets(interview, given, await found, tell);
  return { ...place, hostname, ...zone, ...identity, ...targets };
}

const NO_ZONE = 'none';
const ZONE = /^Z[A-Z0-9]{1,31}$/;

/** Where the deployment makes the record of the host name. */
async function askZone(
  interview: Interview,
  given: string | undefined,
  found: Zone | undefined,
): Promise<Pick<Plan, 'hostedZoneId'>> {
  const where = found === undefined ? '' : `, such as ${found.name}`;
  const answer = await interview.text(`Zone of Route 53 for its record (its id, or none${where})`, {
    given,
    proposal: found !== undefined && ZONE.test(found.id) ? found.id : NO_ZONE,
    mistake: (text) =>
      text === NO_ZONE || ZONE.test(text) ? undefined : 'expected the id of a hosted zone, or none',
  });
  return answer === NO_ZONE ? {} : { hostedZoneId: answer };
}

/** While the first questions are answered. */
async function lookAround(ask: Ask) {
  const [databases, vpcs] = await Promise.all([databasesOf(ask), vpcsOf(ask)]);
  return { databases, vpcs };
}

function hostMistake(text: string): string | undefined {
  const settings = { gateway: { hostname: text, tlsSecret: 'x', clients: ['10.0.0.0/8'] } };
  try {
    readDeploymentConfig(settings);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof CustodyError)
      return 'expected a host name in lower case, such as gateway.example.com';
    throw thrown;
  }
}
