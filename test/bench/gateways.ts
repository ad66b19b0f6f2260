/** The gateway in each of its kinds, and variants of them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createSignerKey } from '#adapters/local/file-signer.ts';
import type { Contender, Entrant } from './contender.ts';
import { BENCH_WORKFLOW, contractRun } from './contract.ts';
import { DATABASE, type Ground } from './ground.ts';
import type { Issuer } from './issuer.ts';
import { lastWords } from './last-words.ts';
import { atRest, sessionsSealed } from './settled.ts';
import { processTree } from './threads.ts';
import type { Variant } from './variant.ts';

interface Kind {
  readonly tls: boolean;
  readonly durability: 'windowed' | 'write-ahead';
  readonly contract?: boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'custody-tls': { tls: false, durability: 'windowed' },
  'custody-tls-both': { tls: true, durability: 'windowed' },
  'custody-tls-write-ahead': { tls: false, durability: 'write-ahead' },
  'custody-tls-contract': { tls: false, durability: 'windowed', contract: true },
};

export interface GatewayPlace {
  readonly ground: Ground;
  /** PostgreSQL's port. */
  readonly target: number;
  readonly issuer: Issuer;
  /** Whether its loops are to be watched. */
  readonly events: boolean;
  /** Whether it is to count where the time of its commits goes. */
  readonly commits: boolean;
}

/** Those of this checkout, and each variant right behind what it is a variant of. Throws when that is none of them. */
export function gateways(place: GatewayPlace, variants: readonly Variant[]): Entrant[] {
  const lost = variants.find(({ of }) => KINDS[of] === undefined);
  if (lost !== undefined)
    throw new Error(`${lost.name}: there is no ${lost.of}, but ${Object.keys(KINDS).join(', ')}`);
  return Object.entries(KINDS).flatMap(([name, kind]) => [
    { name, start: () => startGateway(place, kind, { ...AS_IT_IS, name }) },
    ...variants
      .filter(({ of }) => of === name)
      .map((variant) => ({ name: variant.name, start: () => startGateway(place, kind, variant) })),
  ]);
}

const AS_IT_IS = { nodeFlags: [], environment: {}, args: [], under: [] };

type How = Omit<Variant, 'of'>;

async function startGateway(place: GatewayPlace, kind: Kind, how: How): Promise<Contender> {
  const { ground, issuer, events, commits } = place;
  const { name } = how;
  const port = ground.nextPort();
  const data = dataFolder(place, kind, name);
  const [eventsFile, commitsFile] = [join(data, 'loop-events.jsonl'), join(data, 'commits.jsonl')];
  const log = join(data, 'log');
  const served = ground.serve(port, await commandOf(how, data, port, events), {
    stdio: ['ignore', 'ignore', openSync(log, 'a')],
    env: {
      ...process.env,
      ...how.environment,
      ...(events ? { CUSTODY_BENCH_EVENTS: eventsFile } : {}),
      ...(commits ? { CUSTODY_COMMIT_STAMPS: commitsFile } : {}),
    },
  });
  const child = await served.catch((cause: unknown) => {
    throw new Error(`${name} does not start${lastWords(log)}`, { cause });
  });
  const processes = (): number[] => processTree(child.pid!);
  return {
    name,
    port,
    sslmode: 'require',
    password: issuer.token,
    processes,
    settled: async () => {
      await sessionsSealed(data);
      await atRest(processes);
    },
    recordings: join(data, 'store'),
    log,
    ...(events ? { eventsFile } : {}),
    ...(commits && kind.durability === 'write-ahead' ? { commitsFile } : {}),
    ...(kind.contract === true ? { options: () => contractRun(data) } : {}),
  };
}

async function commandOf(
  { dir, nodeFlags, args, under }: How,
  data: string,
  port: number,
  events: boolean,
): Promise<[string, ...string[]]> {
  const checkout = resolve(dir ?? '.');
  const flags = pathToFileURL(join(checkout, 'fargate-proxy/node-flags.ts')).href;
  const { NODE_FLAGS } = (await import(flags)) as { NODE_FLAGS: readonly string[] };
  const watched = events ? ['--import', new URL('loop-events.ts', import.meta.url).href] : [];
  const [program, ...rest] = [
    ...[...under, process.execPath, ...NODE_FLAGS, ...watched, ...nodeFlags],
    join(checkout, 'fargate-proxy/main.ts'),
    ...['--config', join(data, 'custody.yaml'), '--data-dir', data, '--listen', `127.0.0.1:${port}`],
    ...args,
  ];
  return [program!, ...rest];
}

/** With its configuration and keys. */
function dataFolder({ ground, target, issuer }: GatewayPlace, kind: Kind, name: string): string {
  const data = join(ground.root, `gateway-${name}`);
  mkdirSync(join(data, 'tls'), { recursive: true });
  createSignerKey(data);
  const { cert, key } = ground.certificate;
  execFileSync('cp', [cert, join(data, 'tls', 'gateway.pem')]);
  execFileSync('cp', [key, join(data, 'tls', 'gateway.key')]);
  writeFileSync(join(data, 'password'), 'unused\n', { mode: 0o600 });
  writeFileSync(join(data, 'custody.yaml'), JSON.stringify(configOf(kind, cert, target, issuer.url)));
  return data;
}

function configOf({ tls, durability, contract }: Kind, cert: string, target: number, issuer: string): object {
  return {
    version: 1,
    identity: { issuer, audience: 'custody' },
    targets: {
      [DATABASE]: {
        protocol: 'postgres',
        address: `127.0.0.1:${target}`,
        database: DATABASE,
        credential: { user: 'bench', passwordFile: 'password' },
        tls: tls ? { mode: 'verify-full', caFile: cert, serverName: 'localhost' } : { mode: 'disable' },
        recording: { durability },
      },
    },
    ...(contract === true ? { workflows: { bench: BENCH_WORKFLOW } } : {}),
    rules: [{ name: 'bench', groups: ['bench'], targets: ['*'], allow: ['connect'] }],
  };
}
