import { chmodSync, cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Stream } from '#core/recording/format.ts';
import { answered, statements } from '#test/core/replay/index/support.ts';
import { framesOf, LOGIN } from '#test/core/replay/support.ts';
import {
  buildEvidence,
  type Files,
  type FrameInput,
  makeKeys,
  pem,
  SESSION,
} from '#test/support/evidence-builder.ts';
import { custody, environment, fakeApi, temporary } from './support.ts';

function folderOf(files: Files): string {
  const folder = join(temporary(), 'evidence');
  mkdirSync(folder);
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  return folder;
}

function evidence(frames: ReturnType<typeof statements>) {
  const keys = makeKeys();
  const said: FrameInput[] = frames.map(({ stream, ...frame }) => ({ ...frame, stream: Stream[stream] }));
  const folder = folderOf(buildEvidence(keys, [[said]]));
  const key = join(temporary(), 'signer.pem');
  writeFileSync(key, pem(keys.signer));
  return { folder, key };
}

const linesOf = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('custody steps shows steps of a folder by number, time and error, through an index that is made once', async () => {
  const { folder, key } = evidence(statements(40));
  const env = { CUSTODY_HOME: join(temporary(), 'home') };
  const run = (...more: string[]) => custody(['steps', folder, '--key', key, ...more], { env });
  const first = await run('--from', '5', '--limit', '2');
  expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^#5 +\d+\.\d+ s +select 1 \/ 3/m) });
  expect(first.stdout).toContain('42 steps, 6 errors');
  expect(first.stdout).toContain('the evidence is verified, as it was checked here');
  expect(first.stderr).toContain('note: more follow: --all, or --from 7');
  const index = join(`${folder}.index`, 'indexes', 'evidence', '1-1-0');
  const made = statSync(join(index, 'directory.json')).mtimeMs;
  const errors = linesOf((await run('--errors', '--json', '--previous', '--limit', '2')).stdout);
  expect(errors.map(({ number }) => number)).toEqual([33, 40, undefined]);
  expect(errors[2]).toMatchObject({ kind: 'page', verdict: 'verified', total: { steps: 42 }, previous: 32 });
  const late = linesOf((await run('--at', '-1%', '--all', '--json')).stdout);
  expect(late.at(-2)).toMatchObject({ kind: 'end', number: 42 });
  expect(statSync(join(index, 'directory.json')).mtimeMs).toBe(made);
});

test('custody steps believes no index that came with a folder, nor one of other evidence (security case 6)', async () => {
  const [mine, other] = [evidence(statements(5)), evidence(statements(7))];
  const env = { CUSTODY_HOME: join(temporary(), 'home') };
  const theirs = { CUSTODY_HOME: join(temporary(), 'home') };
  await custody(['steps', mine.folder, '--key', mine.key], { env: theirs });
  const ran = await custody(['steps', mine.folder, '--key', mine.key, '--all'], { env });
  expect(ran.code).toBe(0);
  expect(ran.stderr).toContain('was no good (its directory is not signed by the signer)');
  await custody(['steps', other.folder, '--key', other.key], { env });
  for (const name of readdirSync(other.folder)) chmodSync(join(other.folder, name), 0o644);
  cpSync(other.folder, mine.folder, { recursive: true });
  const swapped = await custody(['steps', mine.folder, '--key', other.key, '--json', '--all'], { env });
  expect(swapped.stderr).toContain('was no good');
  expect(linesOf(swapped.stdout).at(-1)).toMatchObject({ total: { steps: 9 }, verdict: 'verified' });
});

test('custody steps asks the API, and shows nothing of it that acts on a terminal (security case 18)', async () => {
  const api = await fakeApi(pem(makeKeys().signer).toString());
  const text = 'select \u001b]0;owned\u0007';
  const step = {
    ...{ number: 7, marks: ['error'], kind: 'query', at: 12_000, took: 10, outcome: 'failed' },
    statement: { text, bytes: text.length, cut: false },
  };
  api.answers.set(`/v1/sessions/${SESSION}/steps`, {
    ...{ session: SESSION, protocol: 'postgres', verdict: 'verified', findings: [] },
    total: { steps: 9, errors: 1, writes: 0, until: 5e6 },
    ...{ steps: [step], next: 7, previous: 6 },
  });
  const env = environment(api);
  const ran = await custody(['steps', SESSION, '--from', '7', '--errors', '--limit', '1'], { env });
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('#7') });
  expect(ran.stdout).toContain('as the server checked it');
  expect(ran.stdout).not.toContain('\u001b');
  expect(api.requests.at(-1)!.path).toBe(
    `/v1/sessions/${SESSION}/steps?direction=next&from=7&errors=true&limit=1`,
  );
});

test('custody steps says that evidence fails, and shows what still holds', async () => {
  const { folder, key } = evidence(framesOf([...LOGIN, ...answered('select 1')]));
  writeFileSync(join(folder, 'more'), 'what does not belong here');
  const ran = await custody(['steps', folder, '--key', key]);
  expect(ran.code).toBe(1);
  expect(ran.stdout).toContain('select 1');
  expect(ran.stdout).toContain('finding    object-unlisted');
});

test.each([
  [['--at', 'noon'], 'It must be seconds'],
  [['--from', '0'], 'It must be the number of a step'],
  [['--from', '2', '--at', '1'], 'cannot be used'],
])('custody steps refuses %j', async (args, words) => {
  const ran = await custody(['steps', SESSION, ...args]);
  expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
});
