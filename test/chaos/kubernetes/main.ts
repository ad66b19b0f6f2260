/** `npm run chaos:kubernetes -- --rounds 20 --seed 1`: breaks a gateway in front of a real API server, and compares with that server's audit log. */
import { mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { type DurabilityMode, durabilityModes } from '#core/recording/format.ts';
import { KubernetesBed } from '#test/kubernetes/support/bed.ts';
import { KubernetesGateway } from '#test/kubernetes/support/gateway.ts';
import { auditStand } from '../audit.ts';
import { type Checked, checkRound, type Remains } from '../check.ts';
import { chooseFault, type Fault } from '../rounds.ts';
import { Seeded } from '../seed.ts';
import { KubernetesChaosClient } from './clients.ts';
import { callsNotOnTape, kubernetesOracle } from './oracle.ts';

const CLIENTS = 3;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    modes: { type: 'string', default: durabilityModes.join(',') },
  },
});
const plan = join(mkdtempSync(join(tmpdir(), 'custody-chaos-')), 'plan.json');
process.env['CHAOS_PLAN'] = plan;
process.env['NODE_OPTIONS'] = `--import ${new URL('../inject.ts', import.meta.url).href}`;

const bed = await KubernetesBed.start();
let wrong = 0;
try {
  for (const mode of durabilityModes.filter((one) => values.modes.split(',').includes(one)))
    wrong += await chaos(mode, Number(values.rounds), new Seeded(Number(values.seed)));
} finally {
  await bed.stop();
}
say(`seed ${values.seed}: ${wrong} wrong`);
process.exitCode = wrong === 0 ? 0 : 1;

async function chaos(mode: DurabilityMode, rounds: number, random: Seeded): Promise<number> {
  const gateway = await KubernetesGateway.start(bed, { target: `recording: { durability: ${mode} }` });
  const known = new Set<string>();
  const problems: string[] = [];
  try {
    for (let n = 1; n <= rounds; n += 1) {
      const fault = chooseFault(random);
      const checked = await round(gateway, mode, n, fault, random, known);
      problems.push(...checked.wrong);
      say(`${mode} ${n}/${rounds}: ${JSON.stringify(fault)}: ${counted(checked, mode)}`);
      for (const line of checked.wrong) say(`  WRONG: ${line}`);
    }
    const sessions = new Set((await gateway.sessions()).map(({ id }) => id));
    const { seen, missing } = await callsNotOnTape(
      (await bed.audit()).filter(({ impersonatedUser: user }) =>
        sessions.has(user?.extra?.['custody.session']?.[0] ?? ''),
      ),
      async (session) => gateway.calls(session),
    );
    say(`${mode}: of ${seen} calls that the API server saw, ${missing.length} are on no tape`);
    const { findings } = await auditStand(gateway);
    for (const { code, session, message } of findings)
      problems.push(`audit: ${code} ${session ?? ''}: ${message}`);
    say(`${mode}: audit: ${findings.length} findings`);
    // Those of a window of 250 ms may be gone: checkRound looks at how long it was.
    return problems.length + (mode === 'write-ahead' ? missing.length : 0);
  } finally {
    await gateway.stop();
  }
}

/** Clients call while the fault happens; then the gateway is up again, and everything that died is sealed. */
async function round(
  gateway: KubernetesGateway,
  mode: DurabilityMode,
  n: number,
  fault: Fault,
  random: Seeded,
  known: Set<string>,
): Promise<Checked> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, c) => {
      // A login of its own for each: a session of its own.
      const credentials = await gateway.credentials({ jti: `${n}-${c}` });
      return new KubernetesChaosClient(
        credentials,
        mode,
        `${mode}-r${n}-c${c}`,
        new Seeded(random.between(0, 2 ** 31)),
      );
    }),
  );
  for (const client of clients) client.start();
  await sleep(random.between(150, 700));
  await cause(fault, gateway);
  await sleep(random.between(100, 900));
  const stopping = Promise.all(clients.map((client) => client.stop()));
  await gateway.end('SIGKILL');
  await stopping;
  await gateway.run();
  const sent = clients.flatMap((client) => client.sent);
  return checkRound(remainsOf(gateway), { sent }, known, kubernetesOracle(bed));
}

async function cause(fault: Fault, gateway: KubernetesGateway): Promise<void> {
  switch (fault.kind) {
    case 'kill':
      return gateway.end('SIGKILL');
    case 'pause':
      process.kill(gateway.pid, 'SIGSTOP');
      await sleep(fault.ms);
      return void process.kill(gateway.pid, 'SIGCONT');
    case 'injected':
      writeFileSync(`${plan}.new`, JSON.stringify(fault.plan));
      return renameSync(`${plan}.new`, plan);
  }
}

function remainsOf(gateway: KubernetesGateway): Remains {
  return {
    store: directoryStore(join(gateway.dataDir, 'store')),
    signerPem: readFileSync(join(gateway.dataDir, 'signer.pem'), 'utf8'),
    sessions: async () => gateway.sessions(),
    database: () => Promise.reject(new Error('a cluster is no database')),
  };
}

function counted(
  { sessions, recovered, statements, executed, lost, answersLost }: Checked,
  mode: DurabilityMode,
): string {
  return `${sessions} sessions (${recovered} recovered), ${statements} asked for, ${executed[mode]} seen by the API server, ${lost[mode]} of them not on the tape, ${answersLost} answers not`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
