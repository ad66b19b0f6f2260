import { Command } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { eventLine } from '#core/ocsf/event.ts';
import { STEP_SHAPES } from '#core/ocsf/load-shapes.ts';
import { sessionEvents } from '#core/ocsf/session-events.ts';
import { CLOSE, OPEN } from '#core/recording/layout.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import type { EvidenceFolder } from '#core/recording/verify/verify.ts';
import { CheckedSteps } from '#core/replay/index/checked-steps.ts';
import { escapeJson } from '#core/replay/text.ts';
import { type Cli, print, say } from '../cli.ts';
import { openEvidence } from '../evidence/open.ts';
import { NOT_CHECKED, VERDICT_CODES, VERDICT_HELP, verdictLines } from '../evidence/report.ts';
import { expectedLedger, ORIGIN_HELP } from '../ledger-pin.ts';
import type { ReadingOptions } from '../play/evidence-reading.ts';
import { knownSigners } from '../signer-pin.ts';

const NOTES = `
One event a line: the session's opening, each of its steps, its end. They are made of the evidence while it is verified, with all that it
holds; where a target leaves something out, the evidence is given to whoever a rule with unredacted lets.
  custody events ID > session.ndjson
${VERDICT_HELP}`;

export function eventsCommand(cli: Cli): Command {
  return new Command('events')
    .description('a session as OCSF events, as a SIEM takes them')
    .argument('<id|folder>')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .addHelpText('after', NOTES)
    .action((name: string, options: ReadingOptions) => events(cli, name, options));
}

async function events(cli: Cli, name: string, options: ReadingOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const { folder, session, throwFailure } = await openEvidence(cli, name);
  const trusted = knownSigners(cli, options.key);
  const hashed = new HashedFolder(folder);
  const steps = await CheckedSteps.open(hashed, {
    trustedSigners: trusted.map(({ der }) => der),
    ledger: expectedLedger(cli, options),
    ...(session === undefined ? {} : { session }),
  });
  const { open, close } = steps.opening;
  if (close === undefined) throw unsealed();
  const known = {
    open: { value: open, sha256: hashed.sha256(OPEN) },
    close: { value: close, sha256: hashed.sha256(CLOSE) },
  };
  const shapeOf = STEP_SHAPES.get(open.target.protocol)!;
  for await (const { event } of sessionEvents(known, steps.steps(), shapeOf))
    await print(cli, escapeJson(eventLine(event).trimEnd()));
  const report = await steps.finish();
  throwFailure();
  cli.exitWith(VERDICT_CODES[report.verdict]);
  for (const line of verdictLines(report)) say(cli, line);
}

/** Keeps the hashes of what is read once. */
class HashedFolder implements EvidenceFolder {
  readonly #folder: EvidenceFolder;
  readonly #hashes = new Map<string, string>();

  constructor(folder: EvidenceFolder) {
    this.#folder = folder;
  }

  list(): Promise<readonly string[]> {
    return this.#folder.list();
  }

  async get(name: string, atMost: number): Promise<Uint8Array> {
    const bytes = await this.#folder.get(name, atMost);
    if (name === OPEN || name === CLOSE) this.#hashes.set(name, sha256Hex(bytes));
    return bytes;
  }

  sha256(name: string): string {
    return this.#hashes.get(name) ?? '';
  }
}

function unsealed(): CustodyError {
  return new CustodyError('precondition-failed', 'the session goes on, or its end does not hold', {
    hint: 'events are made once it has ended: custody verify says what is missing',
  });
}
