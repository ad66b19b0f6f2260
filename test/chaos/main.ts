/** `npm run chaos -- --rounds 200 --seed 1`: breaks a real gateway in every way it can, and audits what is left. */
import { parseArgs } from 'node:util';
import { durabilityModes } from '#core/recording/format.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { auditStand } from './audit.ts';
import { type Checked, checkRound, prepareTarget } from './check.ts';
import { remainsOf } from './remains.ts';
import { renderChaos } from './report.ts';
import { chooseFault, type Round, runRound } from './rounds.ts';
import { Seeded } from './seed.ts';
import { sshOracle } from './ssh/oracle.ts';
import { startStand } from './stand.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Together they share slabs, and write-ahead hurries windowed sessions along: each alone shows its own loss. */
    modes: { type: 'string', default: durabilityModes.join(',') },
    json: { type: 'boolean', default: false },
  },
});
process.exitCode = (await chaos(Number(values.rounds), Number(values.seed))) ? 0 : 1;

async function chaos(rounds: number, seed: number): Promise<boolean> {
  const random = new Seeded(seed);
  const modes = durabilityModes.filter((mode) => values.modes.split(',').includes(mode));
  const stand = await startStand(
    hasOpenSsh(),
    (line) => process.env['CHAOS_VERBOSE'] && process.stderr.write(`  ${line}\n`),
  );
  const done: { readonly round: Round; readonly checked: Checked; readonly ssh: Checked | undefined }[] = [];
  try {
    const remains = remainsOf(stand);
    await prepareTarget(remains);
    const known = new Set<string>();
    for (let n = 1; n <= rounds; n += 1) {
      const round = await runRound(stand, n, chooseFault(random), random, modes);
      const checked = await checkRound(remains, round, known);
      const ssh =
        stand.ssh && (await checkRound(remains, { sent: round.lines }, known, sshOracle(stand.ssh)));
      done.push({ round, checked, ssh });
      process.stderr.write(`${progress(n, rounds, round, checked)}${ssh ? `; SSH: ${counted(ssh)}` : ''}\n`);
      for (const line of [...checked.wrong, ...(ssh?.wrong ?? [])])
        process.stderr.write(`  WRONG: ${line}\n`);
    }
    const tasks = await stand.tasks.check(await remains.sessions());
    for (const line of tasks.wrong) process.stderr.write(`TASKS: ${line}\n`);
    const audit = await auditStand(stand);
    for (const { code, session, message } of audit.findings)
      process.stderr.write(`AUDIT: ${code} ${session ?? ''}: ${message}\n`);
    process.stdout.write(
      renderChaos({ seed, done, injected: stand.injected(), tasks, audit, json: values.json }),
    );
    return (
      audit.findings.length === 0 &&
      tasks.wrong.length === 0 &&
      done.every(({ checked, ssh }) => checked.wrong.length + (ssh?.wrong.length ?? 0) === 0)
    );
  } finally {
    await stand.stop();
  }
}

function progress(n: number, rounds: number, { fault, diedAt }: Round, checked: Checked): string {
  const what =
    fault.kind === 'injected'
      ? `${fault.plan.fault} at ${fault.plan.point ?? 'any write'} ${fault.plan.nth}`
      : fault.kind;
  const fate = diedAt === undefined ? 'lived' : 'died';
  return `round ${n}/${rounds}: ${what}: ${fate}; ${counted(checked)}`;
}

function counted({ sessions, recovered, statements, lost }: Checked): string {
  return `${sessions} sessions (${recovered} recovered), ${statements} statements, lost ${lost.windowed} windowed, ${lost['write-ahead']} write-ahead`;
}
