import { Command, InvalidArgumentError } from 'commander';
import { type AuditReport, auditLedger } from '#core/ledger/audit.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { openLedgerFolder, readCheckpoint } from '../evidence/ledger-folder.ts';
import { expectedLedger, ORIGIN_HELP } from '../ledger-pin.ts';
import { counted, facts } from '../listing.ts';
import { trustedSigners } from '../signer-pin.ts';
import { readTime } from '../time.ts';

interface AuditOptions {
  readonly key?: readonly string[];
  readonly from?: Date;
  readonly to?: Date;
  readonly sinceCheckpoint?: string;
  readonly origin?: string;
  readonly sealDeadline: number;
  readonly json?: true;
}

const NOT_CHECKED = 2;
const FOUND = 1;
const HOUR_MS = 3_600_000;

const COPIED_EARLY =
  'hint: was the store copied while a commit was under way? Its tiles follow its checkpoint within a minute: copy again what is missing';

const EXIT_CODES = `
Exit codes: 0 nothing found, 1 something is wrong, 2 could not be checked.`;

export function auditCommand(cli: Cli): Command {
  const time = readTime(cli.now);
  return new Command('audit')
    .description(
      'hold the whole ledger against the store: what is missing, unsealed, unlisted or altered; offline',
    )
    .argument('<folder>', "a gateway's data folder, or a copy of its store with its checkpoint")
    .option('--from <time>', 'only sessions that began then or later', time)
    .option('--to <time>', 'only sessions that began before', time)
    .option('--since-checkpoint <file>', 'prove that the ledger only grew since this checkpoint')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .option('--seal-deadline <hours>', 'how long a session may be open', hours, 24)
    .option('--json', 'as one line of JSON')
    .addHelpText('after', EXIT_CODES)
    .action((folder: string, options: AuditOptions) => audit(cli, folder, options));
}

async function audit(cli: Cli, folder: string, options: AuditOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const { from, to } = options;
  const origin = expectedLedger(cli, options);
  const signers = trustedSigners(cli, options.key);
  const { store, isUnfinished, checkpoint, signer } = await openLedgerFolder(folder, origin, signers);
  const report = await auditLedger({
    checkpoint,
    store,
    signer: signer.der,
    now: new Date(cli.now()),
    sealDeadlineMs: options.sealDeadline * HOUR_MS,
    onProgress: (done, of) => showProgress(cli, done, of),
    ...(isUnfinished === undefined ? {} : { isUnfinished }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(options.sinceCheckpoint === undefined
      ? {}
      : { since: readCheckpoint(options.sinceCheckpoint, origin, signers) }),
  });
  if (cli.stderr.isTTY) cli.stderr.write('\r\x1b[K');
  cli.exitWith(report.findings.length === 0 ? 0 : FOUND);
  if (options.json) return printJson(cli, report);
  await print(cli, auditLines(report).join('\n'));
  if (report.findings.some(({ code }) => code === 'tile-missing')) say(cli, COPIED_EARLY);
}

function showProgress(cli: Cli, done: number, of: number): void {
  if (cli.stderr.isTTY) cli.stderr.write(`\r\x1b[K${done} of ${of} sessions`);
}

function auditLines({ findings, facts: found }: AuditReport): string[] {
  const { size, sessions, verified, live, neverOpened, pending, unplaced, grewFrom } = found;
  const kinds = Object.entries(found.leaves).map(([kind, count]) => `${count} ${kind}`);
  const verdict =
    findings.length === 0
      ? 'CLEAN  every session in the ledger is there, whole and sealed or live, and no other'
      : `FAILED  ${counted(findings.length, 'finding')}`;
  return [
    ...facts({
      ledger: `${counted(size, 'leaf', 'leaves')}: ${kinds.join(', ')}`,
      grew:
        grewFrom === undefined
          ? undefined
          : `from ${counted(grewFrom, 'leaf', 'leaves')}, as the checkpoint says`,
      newest:
        unplaced === undefined
          ? undefined
          : `a commit is under way: ${counted(unplaced, 'tile')} read where it staged them`,
      sessions: `${sessions}, of which ${verified} verified, ${live} live, ${neverOpened} never opened, ${pending} too young`,
    }),
    ...findings.map(({ code, session, message }) =>
      escapeTerminal(`finding    ${code}: ${session === undefined ? '' : `session ${session}: `}${message}`),
    ),
    verdict,
  ];
}

function hours(text: string): number {
  const number = Number(text);
  if (!(number > 0 && Number.isFinite(number))) throw new InvalidArgumentError('Give a number of hours.');
  return number;
}
