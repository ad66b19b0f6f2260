/** `npm run chaos:cloud -- --rounds 20 --seed 1`: breaks tasks and what AWS answers them, and audits what is left in the bucket. */
import { parseArgs } from 'node:util';
import { type AuditReport, auditLedger } from '#core/ledger/audit.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { CHECKPOINT } from '#core/ledger/layout.ts';
import { type Checked, checkRound, prepareTarget } from '../check.ts';
import { renderChaos } from '../report.ts';
import { Seeded } from '../seed.ts';
import { brownout } from './brownout.ts';
import { type CloudRound, chooseCloudFault, runCloudRound } from './rounds.ts';
import { type CloudStand, startCloudStand } from './stand.ts';

const HOUR_MS = 3_600_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
});
const isWell = await chaos(Number(values.rounds), Number(values.seed));
process.exit(isWell ? 0 : 1);

async function chaos(rounds: number, seed: number): Promise<boolean> {
  const random = new Seeded(seed);
  const stand = await startCloudStand();
  const done: { readonly round: CloudRound; readonly checked: Checked }[] = [];
  try {
    const silent = await brownout(stand);
    process.stderr.write(`brownout: ${JSON.stringify(silent)}\n`);
    await prepareTarget(stand.remains);
    const known = new Set<string>();
    for (let n = 1; n <= rounds; n += 1) {
      const round = await runCloudRound(stand, n, chooseCloudFault(random), random);
      const checked = await checkRound(stand.remains, round, known);
      done.push({ round, checked });
      process.stderr.write(`${progress(n, rounds, round, checked)}\n`);
      for (const line of checked.wrong) process.stderr.write(`  WRONG: ${line}\n`);
    }
    const audit = await auditAll(stand);
    for (const { code, session, message } of audit.findings)
      process.stderr.write(`AUDIT: ${code} ${session ?? ''}: ${message}\n`);
    const injected = done.flatMap(({ round: { fault } }) =>
      fault.kind === 'aws' ? [{ fault: fault.fault.kind, point: 'AWS' }] : [],
    );
    process.stdout.write(renderChaos({ seed, done, injected, audit, json: values.json }));
    const goesOn = silent.alive === silent.sessions && silent.wrong.length === 0;
    return goesOn && audit.findings.length === 0 && done.every(({ checked }) => checked.wrong.length === 0);
  } finally {
    await stand.stop();
  }
}

async function auditAll({ cloud, remains: { signerPem } }: CloudStand): Promise<AuditReport> {
  const signer = Buffer.from(signerPem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const note = Buffer.from(await cloud.store.get(CHECKPOINT)).toString();
  return auditLedger({
    checkpoint: openCheckpoint(note, cloud.environment['CUSTODY_LEDGER_ORIGIN']!, signer),
    store: cloud.store,
    signer,
    // Nothing is too young to be in the ledger, and nothing lives any more.
    now: new Date(Date.now() + HOUR_MS),
    sealDeadlineMs: 1,
  });
}

function progress(n: number, rounds: number, { fault, diedAt }: CloudRound, checked: Checked): string {
  const what =
    fault.kind === 'aws'
      ? `AWS ${fault.fault.kind} x${fault.fault.times ?? 'all'} for ${fault.forMs} ms`
      : fault.kind === 'pause'
        ? `pause of ${fault.ms} ms`
        : fault.kind;
  const { sessions, recovered, statements, lost } = checked;
  return `round ${n}/${rounds}: ${what}: ${diedAt === undefined ? 'lived' : 'died'}; ${sessions} sessions (${recovered} recovered), ${statements} statements, lost ${lost.windowed} windowed, ${lost['write-ahead']} write-ahead`;
}
