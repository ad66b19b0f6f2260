import { CustodyError } from '#core/errors.ts';
import { READERS } from '#core/replay/readers.ts';
import type { Api } from '../api.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { remoteSteps } from '../steps/remote-steps.ts';
import { type Hit, hitPages, type NotSearched, type SearchTerms } from './api.ts';

/** Columns where the output is not a terminal. */
const PLAIN_WIDTH = 160;

interface Opening {
  /** Which of the hits, from 1. */
  readonly open: number;
  readonly cursor: string | undefined;
  readonly json: boolean;
  readonly left: (of: NotSearched) => void;
}

/** Shows the whole step that is the n-th hit, which is a look of its own. */
export async function openHit(cli: Cli, api: Api, terms: SearchTerms, opening: Opening): Promise<void> {
  const { session, step } = await nthHit(api, terms, opening);
  const asked = { from: step, direction: 'next', search: true } as const;
  const { protocol, steps } = await remoteSteps(api, session).page(asked, 1);
  const shown = steps.find(({ number }) => number === step);
  if (shown === undefined) throw noSuch(`session ${session} has no step ${step} any more`);
  const { number, marks, json } = shown;
  if (opening.json) return printJson(cli, { session, number, marks, ...json });
  const text = READERS.get(protocol)!
    .ofJson(json)
    .toText(cli.stdout.columns ?? PLAIN_WIDTH);
  await print(cli, `${session} #${number} ${text}`);
}

async function nthHit(
  api: Api,
  terms: SearchTerms,
  { open, cursor, left: notSearched }: Opening,
): Promise<Pick<Hit, 'session' | 'step'>> {
  let left = open;
  for await (const hits of hitPages(api, terms, { limit: open, cursor }, notSearched)) {
    const hit = hits[left - 1];
    if (hit !== undefined) return hit;
    left -= hits.length;
  }
  throw noSuch(`there are ${open - left} hits, and not ${open}`);
}

function noSuch(message: string): CustodyError {
  return new CustodyError('not-found', message, { hint: 'look at what is found without --open' });
}
