/** Mutational fuzzing of every parser: node test/fuzz/main.ts [--seconds N] [--seed S] [target …] */
import { parseArgs } from 'node:util';
import * as identity from './identity.ts';
import * as kubernetesBodies from './kubernetes-bodies.ts';
import * as kubernetesStreams from './kubernetes-streams.ts';
import * as ledger from './ledger.ts';
import { mutate, randomFrom } from './mutate.ts';
import * as postgres from './postgres.ts';
import * as recording from './recording.ts';
import * as scim from './scim.ts';
import * as ssh from './ssh.ts';
import * as sshFiles from './ssh-files.ts';
import * as sshReplay from './ssh-replay.ts';
import type { FuzzTarget } from './target.ts';
import * as terminalScreen from './terminal-screen.ts';

const targets: readonly FuzzTarget[] = [
  recording.segments,
  recording.frames,
  recording.evidence,
  ...postgres.targets,
  ...ledger.targets,
  ...identity.targets,
  ...scim.targets,
  ...sshFiles.targets,
  ...ssh.targets,
  ...sshReplay.targets,
  ...terminalScreen.targets,
  ...kubernetesStreams.targets,
  ...kubernetesBodies.targets,
];

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } },
  allowPositionals: true,
});
const seconds = readNumber('seconds', values.seconds);
const seed = readNumber('seed', values.seed ?? String(Date.now() % 2 ** 32));
const chosen = chooseTargets(positionals);

let crashes = 0;
for (const target of chosen) crashes += await fuzz(target);
process.exitCode = crashes === 0 ? 0 : 1;

/** Runs one target for its share of the time, or to its first crash. Returns the number of crashes. */
async function fuzz(target: FuzzTarget): Promise<number> {
  const random = randomFrom(seed);
  const corpus = target.seeds();
  const end = performance.now() + (seconds * 1000) / chosen.length;
  let executions = 0;
  for (const bytes of inputs(corpus, random)) {
    executions += 1;
    try {
      await target.run(bytes);
    } catch (thrown) {
      reportCrash(target, executions, bytes, thrown);
      return 1;
    }
    if (performance.now() >= end) break;
  }
  console.log(`${target.name}: ${executions} executions, no crash (seed ${seed})`);
  return 0;
}

/** The seeds as they are, then mutations of them without end. */
function* inputs(corpus: readonly Uint8Array[], random: () => number): Generator<Uint8Array> {
  yield* corpus;
  for (;;) yield mutate(corpus, random);
}

function reportCrash(target: FuzzTarget, executions: number, bytes: Uint8Array, thrown: unknown): void {
  console.error(`${target.name}: CRASH after ${executions} executions (seed ${seed})`);
  console.error(thrown);
  console.error(`input (${bytes.length} bytes): ${Buffer.from(bytes).toString('hex')}`);
}

function chooseTargets(names: readonly string[]): readonly FuzzTarget[] {
  const unknown = names.filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0)
    usage(`no target ${unknown.join(', ')}; there are ${targets.map(({ name }) => name).join(', ')}`);
  return names.length === 0 ? targets : targets.filter(({ name }) => names.includes(name));
}

function readNumber(option: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0)
    usage(`--${option} ${text} is not a number`);
  return number;
}

function usage(problem: string): never {
  console.error(`fuzz: ${problem}`);
  process.exit(2);
}
