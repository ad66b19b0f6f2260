import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type DeepMatch, DeepSearch } from '#core/search/deep.ts';
import { piecesOf } from '#core/search/deep-pieces.ts';
import { type Api, getSession, sessionPages } from '../api.ts';
import type { Session } from '../api-shapes.ts';
import { type Cli, jsonText, print, say, write } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { counted } from '../listing.ts';
import type { Paging } from '../paging.ts';
import { type EvidenceReading, withEvidence } from '../play/evidence-reading.ts';
import { foundSessionPages } from './api.ts';
import { type SearchOptions, selectsBySteps, termsOf } from './terms.ts';

/** Of each byte string in each session; all of them are counted. */
const TOLD_MAX = 20;
const SOME_NOT_READ = 1;
/** What a session cannot be read for, without the rest being any worse. */
const OF_ONE_SESSION: ReadonlySet<string> = new Set([
  'access-denied',
  'evidence-redacted',
  'format-invalid',
  'not-found',
  'state-damaged',
  'unsupported',
]);

interface Found {
  readonly session: string;
  readonly target: string;
  readonly verdict: string;
  /** Of all byte strings. */
  readonly count: number;
  readonly matches: readonly DeepMatch[];
}

interface NotRead {
  readonly session: string;
  readonly why: string;
}

/** Reads recordings from their first byte to their last. A session is found where every byte string stands somewhere in it. */
export async function deepSearch(
  cli: Cli,
  words: readonly string[],
  options: SearchOptions & { readonly json?: true },
  paging: Paging,
): Promise<void> {
  const needles = [...words, ...(options.value === undefined ? [] : [options.value])];
  if (needles.length === 0 || needles.includes('')) throw noNeedle();
  const bytes = needles.map((needle) => Buffer.from(needle));
  const output = new Output(cli, needles, options.json === true);
  const notRead: NotRead[] = [];
  let left = paging.limit;
  let read = 0;
  for await (const session of selected(await connectApi(cli), options, paging.cursor)) {
    if (left === 0) {
      say(cli, `note: more may follow: --all, or go on from here with --cursor ${session}`);
      break;
    }
    const found = await readOne(cli, session, bytes, notRead);
    read += 1;
    if (found === undefined) continue;
    await output.add(found);
    left -= 1;
  }
  await output.end(notRead);
  cli.exitWith(notRead.length === 0 ? 0 : SOME_NOT_READ);
  say(cli, `${counted(read - notRead.length, 'recording')} read`);
  for (const { session, why } of notRead) say(cli, `WARNING: ${session} was not read: ${why}`);
}

/** Ids, the newest first; sessions that are not in the search among them, unless only the search can tell. */
async function* selected(
  api: Api,
  options: SearchOptions,
  cursor: string | undefined,
): AsyncGenerator<string> {
  const all = { limit: Infinity, cursor };
  if (options.session !== undefined) return yield (await getSession(api, options.session)).id;
  if (selectsBySteps(options)) {
    const { value: _value, ...rest } = options;
    const pages = foundSessionPages(api, termsOf([], rest), all, () => undefined);
    for await (const page of pages) for (const { session } of page) yield session;
    return;
  }
  const { target, person, run, since, until } = options;
  // What began before may have lasted: when it ended, each says itself.
  const pages = sessionPages(api, { target, person, run, until }, all);
  for await (const page of pages)
    for (const session of page) if (isWanted(session, options, since)) yield session.id;
}

function isWanted(
  { protocol, run, outcome }: Session,
  { protocol: speaks, workflow, task, outcome: reason }: SearchOptions,
  since: Date | undefined,
): boolean {
  const is = (wanted: string | undefined, has: string | undefined) => wanted === undefined || wanted === has;
  const isOver =
    outcome !== undefined && since !== undefined && Date.parse(outcome.endedAt) < since.getTime();
  return (
    !isOver &&
    is(speaks, protocol) &&
    is(workflow, run?.workflow) &&
    is(task, run?.task) &&
    is(reason, outcome?.reason)
  );
}

async function readOne(
  cli: Cli,
  session: string,
  needles: readonly Uint8Array[],
  notRead: NotRead[],
): Promise<Found | undefined> {
  let found: Found | undefined;
  try {
    await withEvidence(cli, session, {}, async (evidence) => {
      found = await scanned(session, evidence, needles, notRead);
    });
  } catch (error) {
    const { code, message } = asCustodyError(error);
    if (!OF_ONE_SESSION.has(code)) throw error;
    notRead.push({ session, why: message });
  }
  return found;
}

async function scanned(
  session: string,
  evidence: EvidenceReading,
  needles: readonly Uint8Array[],
  notRead: NotRead[],
): Promise<Found | undefined> {
  const { name: target, protocol } = evidence.opening.open!.target;
  const search = new DeepSearch(needles);
  const pieces = await piecesOf(protocol);
  const counts = needles.map(() => 0);
  const matches: DeepMatch[] = [];
  const take = (match: DeepMatch): void => {
    counts[match.needle]! += 1;
    if (counts[match.needle]! <= TOLD_MAX) matches.push(match);
  };
  for await (const frame of holding(evidence))
    for (const piece of pieces(frame)) search.take(piece).forEach(take);
  const { verdict } = await evidence.conclude();
  if (verdict === 'failed')
    notRead.push({ session, why: 'it fails verification: what is behind that was not looked at' });
  const count = counts.reduce((sum, one) => sum + one, 0);
  return counts.includes(0) ? undefined : { session, target, verdict, count, matches };
}

/** Frames up to the first that does not hold: what is wrong then, the verdict says. */
async function* holding({ reading }: EvidenceReading): AsyncGenerator<ReplayFrame> {
  try {
    yield* reading.frames();
  } catch (error) {
    if (asCustodyError(error).code !== 'format-invalid') throw error;
  }
}

/** Sessions as they are found. */
class Output {
  readonly #cli: Cli;
  readonly #needles: readonly string[];
  readonly #isJson: boolean;
  #before = '{"sessions":[';

  constructor(cli: Cli, needles: readonly string[], isJson: boolean) {
    this.#cli = cli;
    this.#needles = needles;
    this.#isJson = isJson;
  }

  async add(found: Found): Promise<void> {
    if (!this.#isJson) return print(this.#cli, this.#lines(found).join('\n'));
    const matches = found.matches.map(({ needle, around, ...match }) => ({
      ...{ found: this.#needles[needle], ...match },
      around: Buffer.from(around).toString('base64'),
    }));
    await write(this.#cli, this.#before + jsonText({ ...found, matches }));
    this.#before = ',';
  }

  async end(notRead: readonly NotRead[]): Promise<void> {
    if (this.#isJson)
      await print(this.#cli, `${this.#before === ',' ? '' : this.#before}],"notRead":${jsonText(notRead)}}`);
  }

  #lines({ session, target, verdict, count, matches }: Found): readonly string[] {
    const more = count > matches.length ? `, the first ${matches.length} of ${count}` : '';
    return [
      `${session}  ${escapeTerminal(target)}  ${verdict}${more}`,
      ...matches.map(
        ({ at, lane, offset, around }) =>
          `  ${(at / 1e6).toFixed(3).padStart(10)} s  ${lane}, byte ${offset}: ${escapeTerminal(around)}`,
      ),
    ];
  }
}

function noNeedle(): CustodyError {
  return new CustodyError('format-invalid', 'there are no bytes to look for', {
    hint: 'give words, or --value: they are found as they are written, to the letter',
  });
}
