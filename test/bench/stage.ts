import type { Contender, Entrant } from './contender.ts';
import { gateways } from './gateways.ts';
import { DATABASE, Ground } from './ground.ts';
import { startIssuer } from './issuer.ts';
import { bareRelays } from './peers/bare/contenders.ts';
import { pgpool } from './peers/pgpool.ts';
import { bouncers, direct, haproxies } from './poolers.ts';
import { startServer } from './server.ts';
import type { Variant } from './variant.ts';

export interface Stage {
  /** PostgreSQL itself, whoever is compared. */
  readonly direct: Contender;
  readonly contenders: readonly Contender[];
  readonly database: string;
  stop(): Promise<void>;
}

export interface Cast {
  readonly competes: (contender: string) => boolean;
  readonly variants: readonly Variant[];
  readonly events: boolean;
  readonly commits: boolean;
}

const EVERYBODY: Cast = { competes: () => true, variants: [], events: false, commits: false };

/** Starts PostgreSQL and those who compete side by side on this machine. */
export async function setStage(
  log: (line: string) => void,
  { competes, variants, events, commits }: Cast = EVERYBODY,
): Promise<Stage> {
  const ground = new Ground();
  try {
    log('starting PostgreSQL');
    const target = await startServer(ground);
    const issuer = await startIssuer(ground.nextPort());
    const entrants = [
      ...direct(target),
      ...haproxies(ground, target),
      ...bouncers(ground, target),
      ...pgpool(ground, target, log),
      ...bareRelays(ground, target),
      ...gateways({ ground, target, issuer, events, commits }, variants),
    ];
    const contenders = await startAll(
      entrants.filter(({ name }) => competes(name)),
      log,
    );
    const stop = async (): Promise<void> => {
      issuer.server.close();
      await ground.end();
    };
    return { direct: await entrants[0]!.start(), contenders, database: DATABASE, stop };
  } catch (error) {
    await ground.end();
    throw error;
  }
}

async function startAll(entrants: readonly Entrant[], log: (line: string) => void): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const { name, start } of entrants) {
    log(`starting ${name}`);
    contenders.push(await start());
  }
  return contenders;
}
