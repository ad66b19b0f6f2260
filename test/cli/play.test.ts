import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatStep } from '#cli/play/format-step.ts';
import type { Shown, Step } from '#core/replay/step.ts';
import { int16, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { type Files, type FrameInput, SESSION } from '#test/support/evidence-builder.ts';
import { captured } from '#test/vectors/postgres/read.ts';
import { custody, environment, evidenceOf, fakeApi, serveEvidence, temporary } from './support.ts';

const streams = { client: 0, target: 1, gateway: 2, note: 3 } as const;

function folderOf(files: Files): string {
  const folder = temporary();
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  return folder;
}

function framesOf(said: readonly Said[]): FrameInput[] {
  return said.map(([stream, ...messages], at) => ({
    stream: streams[stream],
    timeUs: at * 1000,
    payload: Buffer.concat(messages),
  }));
}

function query(text: string): Uint8Array {
  const body = Buffer.from(`${text}\0`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from('Q'), length, body]);
}

const ONE_ROW: readonly Said[] = [
  ...LOGIN,
  ['client', query('select 42 as answer')],
  ['target', server.columns(['answer', 23]), server.row('42'), server.tag('SELECT 1'), server.ready],
  ['client', query('select nothing')],
  ['target', server.error('column "nothing" does not exist'), server.ready],
];

/** Everything a terminal could act on, as C0, C1 and UTF-8 of C1. */
const HOSTILE = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\u0008\rgone';
const ACTS = /[^\P{Cc}\n]|\p{Cf}/u;

function hostileFolder(): string {
  const hostile: readonly Said[] = [
    ...LOGIN,
    ['client', query(`select '${HOSTILE}'`)],
    ['target', server.columns([HOSTILE, 25]), server.row(HOSTILE), server.tag(HOSTILE), server.ready],
    ['client', query('select 1')],
    ['target', server.error(HOSTILE), server.notification(HOSTILE, HOSTILE), server.ready],
    ['note', Buffer.from(JSON.stringify({ note: HOSTILE }))],
    ['target', Buffer.concat([Buffer.from('C'), Buffer.from([0, 0, 0, 4]), int16(0x1b1b)])],
  ];
  return folderOf(evidenceOf(framesOf(hostile)).files);
}

describe('play', () => {
  test('shows statements with their answers, rows as a table, times and errors', async () => {
    const ran = await custody(['play', folderOf(evidenceOf(framesOf(ONE_ROW)).files)]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(`session ${SESSION}: dev-1 on orders-db, from 2026-11-23T09:00:00.000Z`);
    expect(ran.stdout).toContain(
      [
        '    0.007 s  select 42 as answer',
        ' answer',
        '--------',
        '     42',
        '(1 row)',
        '             SELECT 1, 1.00 ms',
      ].join('\n'),
    );
    expect(ran.stdout).toMatch(/ERROR 42601: column "nothing" does not exist\n +failed, 1\.00 ms/);
  });

  test('plays what psql and a real server said, by session id', async () => {
    const { files, signerPem } = evidenceOf(captured('psql-simple'));
    const api = await fakeApi(signerPem);
    serveEvidence(api, files);
    const ran = await custody(['play', SESSION, '--json'], { env: environment(api) });
    expect(ran.code).toBe(0);
    const steps = ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Step);
    expect(steps[0]).toMatchObject({
      kind: 'login',
      login: { settings: { server_version: expect.any(String) as string } },
    });
    expect(steps.filter(({ kind }) => kind === 'query').length).toBeGreaterThan(0);
    expect(steps.at(-1)).toMatchObject({ kind: 'end' });
  });

  // Security case 18.
  test.each([[[]], [['--json']]])(
    'hostile bytes from either side never reach the terminal, with %j',
    async (args) => {
      const ran = await custody(['play', hostileFolder(), ...args]);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain('owned');
      expect(ran.stdout).not.toMatch(ACTS);
      expect(ran.stderr).not.toMatch(ACTS);
    },
  );

  test('--json gives the exact text to a program all the same', async () => {
    const { stdout } = await custody(['play', hostileFolder(), '--json']);
    const steps = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Step);
    expect(steps.map(({ statement }) => statement?.text)).toContain(`select '${HOSTILE}'`);
  });

  test('a statement of several lines cannot pass for a step', () => {
    const text = 'select 1\n    9.999 s  drop table orders\r\n    9.999 s  x';
    const shown = formatStep(
      {
        kind: 'query',
        at: 0,
        took: 1,
        outcome: 'completed',
        statement: { text, bytes: text.length, cut: false },
      },
      80,
    );
    expect(shown.split('\n').filter((line) => /^ {0,4}\d/.test(line))).toEqual(['    0.000 s  select 1']);
  });

  test('what a name stood for is shown, and that it is not certain', () => {
    const shown = (text: string): Shown => ({ text, bytes: text.length, cut: false });
    const step = { kind: 'query', at: 0, took: 0, statement: shown('execute u'), part: 1 } as const;
    const text = formatStep({ ...step, runs: shown('select \x1b1'), doubt: 'code ran' }, 80);
    expect(text.split('\n').map((line) => line.trim())).toEqual([
      '0.000 s  execute u',
      'runs: select \\x1b1',
      'NOT CERTAIN: code ran',
    ]);
    const data = { format: 'text', messages: 1, bytes: 2, sample: shown('1\n') } as const;
    expect(formatStep({ kind: 'copy-in', at: 0, took: 0, copy: data, outcome: 'skipped' }, 80)).toContain(
      'data that no COPY takes',
    );
  });

  test('says loudly that a recording was altered, and plays what can be read', async () => {
    const { files } = evidenceOf(framesOf(ONE_ROW));
    const folder = folderOf(files);
    const close = readFileSync(join(folder, 'close.json'), 'utf8');
    writeFileSync(join(folder, 'close.json'), close.replace('client-closed', 'expired'));
    const ran = await custody(['play', folder]);
    expect(ran.stderr).toMatch(/^WARNING: this recording FAILS verification/);
    expect(ran.stdout).toContain('select 42 as answer');
  });

  test('a damaged segment shows as such', async () => {
    const { files } = evidenceOf(framesOf(ONE_ROW));
    const segment = Buffer.from(files.get('00000000.seg')!);
    segment[0]! ^= 0xff;
    files.set('00000000.seg', segment);
    const ran = await custody(['play', folderOf(files)]);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('DAMAGED: ') as string });
  });

  test('--step waits for a line before each step, and stops at the end of the input', async () => {
    const folder = folderOf(evidenceOf(framesOf(ONE_ROW)).files);
    const stepped = await custody(['play', folder, '--step', '--json'], { input: '\n' });
    expect(stepped.stdout.trimEnd().split('\n')).toHaveLength(2);
    const stopped = await custody(['play', folder, '--step', '--json'], { input: 'q\n\n\n' });
    expect(stopped.stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  test('--speed takes a number above 0', async () => {
    const folder = folderOf(evidenceOf(framesOf(ONE_ROW)).files);
    expect(await custody(['play', folder, '--speed', '0'])).toMatchObject({ code: 2, stdout: '' });
    expect(await custody(['play', folder, '--speed', '1000'])).toMatchObject({ code: 0 });
  });
});
