import { Command, InvalidArgumentError, Option } from 'commander';
import { nameOf } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import { closeReasons } from '#core/recording/format.ts';
import { type Cli, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { counted } from '../listing.ts';
import { type Paging, printPages, readLimit } from '../paging.ts';
import { type FoundSession, foundSessionPages, type Hit, hitPages, type NotSearched } from '../search/api.ts';
import { deepSearch } from '../search/deep.ts';
import { openHit } from '../search/open.ts';
import { type SearchOptions, termsOf } from '../search/terms.ts';
import { requireRunId, requireSessionId } from '../session-id.ts';
import { readTime } from '../time.ts';

interface Options extends SearchOptions, Paging {
  readonly sessions?: true;
  readonly deep?: true;
  readonly all?: true;
  readonly open?: number;
  readonly json?: true;
}

const NOTES = `
Words have to stand in one step, in any order; an argument of several words, next to each other. Letter case does not count:
  custody search refund 'duplicate key' --table orders:written --since 7d
  custody search --statement 'DELETE FROM orders WHERE id = 1'   every one of this shape, whatever its values are
Found are sealed sessions that you may replay. Each page of hits is entered in the ledger as a look at their sessions.
--deep reads the recordings themselves, of the sessions that the other options name, and finds the bytes of words and --value
anywhere in them, to the letter: rows that no step keeps, data of COPY, what a terminal showed.`;

export function searchCommand(cli: Cli): Command {
  const time = readTime(cli.now);
  return new Command('search')
    .description('steps of recorded sessions by what was done in them, newest first')
    .argument('[words...]')
    .option('--person <who>', 'whose: an e-mail address or a subject')
    .option('--target <name>')
    .option('--protocol <name>')
    .option('--since <time>', 'steps that began then or later: 2026-11-23, 2026-11-23T09:00Z, 7d', time)
    .option('--until <time>', 'steps that began before', time)
    .option('--session <id>', 'within one session', requireSessionId)
    .option('--workflow <name>')
    .option('--run <id>', 'of one run of a workflow', requireRunId)
    .option('--task <name>', 'of this task of a workflow')
    .addOption(new Option('--outcome <reason>', 'why the session ended').choices(closeReasons))
    .option('--device <key>', "a device key's fingerprint, or its name")
    .option('--statement <sql>', 'statements of this shape, whatever their values are')
    .option('--shape <sha256>', 'the same, by its digest')
    .option('--table <name[:how]>', 'a table, view or function; how: read, written or called')
    .option('--value <text>', 'a bind value, a constant, or a value that came back, to the letter')
    .option('--command <words>', 'words next to each other in what was asked')
    .option('--file <path>', 'a path, the last part of one, or a folder with / at its end')
    .option('--code <code>', "such as 23505, or 'exit 1'")
    .option('--errors', 'errors alone')
    .option('--writes', 'writes alone')
    .option('--sessions', 'sessions, with how many of their steps were found')
    .addOption(
      new Option('--open <n>', 'show the whole step that is the n-th hit')
        .argParser(readNth)
        .conflicts(['sessions', 'deep', 'all']),
    )
    .option('--deep', 'read the recordings themselves, byte by byte')
    .option('--limit <n>', 'how many at most, or all', readLimit, 20)
    .option('--all', 'all of them')
    .option('--cursor <place>', 'go on from there', readCursor)
    .option('--json', 'as one line of JSON')
    .addHelpText('after', NOTES)
    .action((words: string[], options: Options) => search(cli, words, options));
}

async function search(cli: Cli, words: readonly string[], options: Options): Promise<void> {
  const paging = { limit: options.all ? Infinity : options.limit, cursor: options.cursor };
  if (options.deep) return deepSearch(cli, words, options, paging);
  const terms = termsOf(words, options);
  if (Object.values(terms).every((term) => term === undefined)) throw nothingAsked();
  const api = await connectApi(cli);
  let behind: NotSearched | undefined;
  const left = (of: NotSearched): void => void (behind = of);
  const isJson = options.json === true;
  if (options.open !== undefined)
    await openHit(cli, api, terms, { open: options.open, cursor: options.cursor, json: isJson, left });
  else if (options.sessions)
    await printPages(cli, foundSessionPages(api, terms, paging, left), SESSIONS, isJson);
  else await printPages(cli, hitPages(api, terms, paging, left), HITS, isJson);
  if (behind !== undefined) sayLeft(cli, behind);
}

const HITS = {
  name: 'hits',
  headings: ['SESSION', 'STEP', 'TIME', 'WHO', 'TARGET', 'FOUND'],
  row: ({ session, step, time, principal, target, matched }: Hit): string[] => [
    ...[session, String(step), shortTime(time), nameOf(principal), target],
    excerptText(matched),
  ],
};

const SESSIONS = {
  name: 'sessions',
  headings: ['SESSION', 'STARTED', 'WHO', 'TARGET', 'ENDED', 'STEPS', 'ERRORS', 'WRITES', 'FIRST'],
  row: (one: FoundSession): string[] => [
    ...[one.session, shortTime(one.startedAt), nameOf(one.principal), one.target, one.outcome ?? ''],
    ...[`${one.steps}${one.more ? '+' : ''}`, String(one.errors), String(one.writes)],
    `${one.first.step}: ${excerptText(one.first.matched)}`,
  ],
};

const EXCERPT_MAX = 100;

/** What the first term was found in, or all of a short one. */
function excerptText(matched: Hit['matched']): string {
  const [first] = matched;
  if (first === undefined) return '';
  const text = first.excerpt.replaceAll(/\s+/g, ' ').trim();
  const letters = Array.from(text);
  return letters.length > EXCERPT_MAX ? `${letters.slice(0, EXCERPT_MAX).join('')}…` : text;
}

function shortTime(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}

/** What is left out is never left out silently. */
function sayLeft(cli: Cli, { pending: { count, more }, searchedSince }: NotSearched): void {
  if (searchedSince !== undefined)
    say(
      cli,
      `note: sessions that began before ${searchedSince} were not looked at; --since goes further back`,
    );
  if (count === 0 && more !== true) return;
  const which = `${counted(count, 'session')}${more ? ', at least,' : ''}`;
  say(
    cli,
    `note: ${which} not looked at: still running, or not indexed yet; --deep reads those that are recorded`,
  );
}

function readNth(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be 1 or more.');
}

function readCursor(text: string): string {
  const [session = '', step = '1', more] = text.split('/');
  if (more === undefined && /^\d{1,15}$/.test(step)) return step && requireSessionId(session) && text;
  throw new InvalidArgumentError('It must be what was said to go on from.');
}

function nothingAsked(): CustodyError {
  return new CustodyError('format-invalid', 'there is nothing to look for', {
    hint: 'give words, or one of the options: custody search --help; all sessions are in custody sessions',
  });
}
