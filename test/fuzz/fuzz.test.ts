import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
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

const main = fileURLToPath(new URL('main.ts', import.meta.url));

test('the same seed makes the same inputs', () => {
  const corpus = recording.segments.seeds();
  const inputs = (seed: number) => {
    const random = randomFrom(seed);
    return Array.from({ length: 50 }, () => Buffer.from(mutate(corpus, random)).toString('hex'));
  };
  expect(inputs(7)).toEqual(inputs(7));
  expect(inputs(7)).not.toEqual(inputs(8));
  expect(new Set(inputs(7)).size).toBeGreaterThan(45);
});

test.each([
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
])('$name survives its seeds and 300 more', async (target) => {
  await expect(survive(target, 300)).resolves.toBe(target.seeds().length + 300);
});

/** How many inputs were run; rejects with the first crash. */
async function survive(target: FuzzTarget, count: number): Promise<number> {
  const random = randomFrom(1);
  const inputs = [...target.seeds(), ...Array.from({ length: count }, () => mutate(target.seeds(), random))];
  for (const input of inputs) await target.run(input);
  return inputs.length;
}

test('an unknown target is an error that names the known ones', () => {
  const { status, stderr } = spawnSync(process.execPath, [main, 'nope'], { encoding: 'utf8' });
  expect(stderr).toContain('fuzz: no target nope; there are recording-segments, ');
  expect(status).toBe(2);
});
