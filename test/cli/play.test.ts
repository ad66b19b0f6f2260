import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatStep } from '#core/replay/postgres/format.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import type { Shown } from '#core/replay/step.ts';
import { int16, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import {
  buildEvidence,
  type Files,
  type FrameInput,
  makeKeys,
  makeSigner,
  pem,
  SESSION,
} from '#test/support/evidence-builder.ts';
import { captured } from '#test/vectors/postgres/read.ts';
import {
  custody,
  environment,
  evidenceOf,
  fakeApi,
  serveEvidence,
  startCustody,
  temporary,
} from './support.ts';

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

/** A login and then three queries, each in a segment of its own. */
const QUERIES: readonly (readonly Said[])[] = [
  LOGIN,
  ...[1, 2, 3].map((n): readonly Said[] => [
    ['client', query(`select ${n}`)],
    ['target', server.columns(['answer', 23]), server.row(String(n)), server.tag('SELECT 1'), server.ready],
  ]),
];

function inSegments(said: readonly (readonly Said[])[]): { files: Files; signerPem: string } {
  const keys = makeKeys();
  const frames = framesOf(said.flat());
  const segments = said.map((of) => [frames.splice(0, of.length)]);
  return { files: buildEvidence(keys, segments), signerPem: pem(keys.signer).toString() };
}

function keyFile(text: string): string {
  const file = join(temporary(), 'signer.pem');
  writeFileSync(file, text);
  return file;
}

function flip(files: Files, name: string): void {
  const bytes = Buffer.from(files.get(name)!);
  bytes[12]! ^= 0xff;
  files.set(name, bytes);
}

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
  test('says who acted, for whom; verify says by whose word (security case 18)', async () => {
    const keys = makeKeys();
    const principal = {
      issuer: 'https://id.example',
      subject: 'dev-1',
      email: 'dana@example.com',
      actors: [{ issuer: 'https://ci.example', subject: 'agent-7\u001b[2J' }],
      leeway: 12,
      groups: [],
      groupsOmitted: 0,
    };
    const folder = folderOf(buildEvidence(keys, [[framesOf(ONE_ROW)]], { open: { principal } }));
    const key = keyFile(pem(keys.signer).toString());
    const played = await custody(['play', folder, '--key', key]);
    const verified = await custody(['verify', folder, '--key', key]);
    expect([played.code, verified.code]).toEqual([0, 0]);
    expect(played.stdout).toMatch(/^session \S+: "agent-7\S*\[2J" for dana@example\.com on orders-db, from/m);
    expect(verified.stdout).toMatch(/^who +"agent-7\S*\[2J" for dana@example\.com$/m);
    expect(verified.stdout).toMatch(/^actor +agent-7\S*\[2J at https:\/\/ci\.example$/m);
    expect(verified.stdout).toMatch(/^leeway +the token was 12 s out of its time$/m);
    for (const { stdout } of [played, verified]) expect(stdout).not.toContain('\u001b');
  });

  test('shows statements with their answers, rows as a table, times and errors', async () => {
    const { files, signerPem } = evidenceOf(framesOf(ONE_ROW));
    const ran = await custody(['play', folderOf(files), '--key', keyFile(signerPem)]);
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
    expect(steps.at(-2)).toMatchObject({ kind: 'end' });
    expect(steps.at(-1)).toMatchObject({ kind: 'verdict', verdict: 'verified' });
  });

  // Security case 18.
  test.each([[[]], [['--json']]])(
    'hostile bytes from either side never reach the terminal, with %j',
    async (args) => {
      const ran = await custody(['play', hostileFolder(), ...args]);
      expect(ran.code).toBe(3);
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

  test('says what is not all text, what is cut, and how long it was', () => {
    const bytes = { text: 'caf\\xe9', bytes: 4, cut: false, undecoded: true } as const;
    const long = { text: 'begun', bytes: 1_000_000, cut: true };
    const step: Step = {
      kind: 'execute',
      at: 0,
      took: 1,
      outcome: 'failed',
      statement: bytes,
      values: [long, bytes],
      columns: [{ name: 'c\\xe9', type: 25, undecoded: true }],
      rows: [[bytes]],
      error: {
        severity: 'ERROR',
        sqlstate: '1',
        message: 'm',
        detail: 'd',
        cut: { detail: 70_000 },
        undecoded: true,
      },
      notices: [],
      noticesLeftOut: 7,
    };
    const shown = formatStep(step, 80);
    expect(shown).toContain('caf\\xe9 [not all text]');
    expect(shown).toContain("$1 = 'begun'… (1000000 bytes in all)");
    expect(shown).toContain("$2 = 'caf\\xe9' [not all text]");
    expect(shown).toContain(' c\\xe9 [not all text]');
    expect(shown).toContain('detail: d… (70000 bytes in all)');
    expect(shown).toContain('ERROR 1: m [not all text]');
    expect(shown).toContain('(7 more notices)');
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

  test('says loudly that a recording was altered, and plays what still verifies', async () => {
    const { files } = evidenceOf(framesOf(ONE_ROW));
    const folder = folderOf(files);
    const close = readFileSync(join(folder, 'close.json'), 'utf8');
    writeFileSync(join(folder, 'close.json'), close.replace('client-closed', 'expired'));
    const ran = await custody(['play', folder]);
    expect(ran.stderr).toMatch(/^WARNING: this recording FAILS verification/);
    expect(ran.stdout).toContain('select 42 as answer');
    // Who ended it and why is what the altered statement says.
    expect(ran.stdout).not.toMatch(/end:|expired|^ended/m);
    expect(ran).toMatchObject({ code: 1, stdout: expect.stringMatching(/\nFAILED .*\n$/) as string });
  });

  test.each([[[]], [['--json']]])('stops where a segment does not verify, with %j', async (args) => {
    const { files, signerPem } = inSegments(QUERIES);
    flip(files, '00000002.seg');
    const ran = await custody(['play', folderOf(files), '--key', keyFile(signerPem), ...args]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('select 1');
    expect(ran.stdout).not.toMatch(/select [23]/);
    expect(ran.stdout).toContain('from here on it does not verify: the content of 00000002.seg');
    expect(ran.stdout.trimEnd().split('\n').at(-1)).toMatch(/^FAILED |"verdict":"failed"/);
  });

  test('shows nothing under a statement that its signer did not sign', async () => {
    const { files, signerPem } = inSegments(QUERIES);
    flip(files, 'open.json.sig');
    const ran = await custody(['play', folderOf(files), '--key', keyFile(signerPem)]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).not.toContain('select');
    expect(ran.stderr).toMatch(/^WARNING: this recording FAILS verification: open\.json\.sig is not/);
  });

  test.each<[what: string, before: string | RegExp, after: string]>([
    ['person', 'dev-1', 'evil-1'],
    ['protocol', /"protocol": *"postgres"/, '"protocol":"nosuch"'],
  ])('shows nothing of an opening whose %s was altered', async (_, before, after) => {
    const { files, signerPem } = inSegments(QUERIES);
    const folder = folderOf(files);
    const open = readFileSync(join(folder, 'open.json'), 'utf8');
    const altered = open.replace(before, after);
    expect(altered).not.toBe(open);
    writeFileSync(join(folder, 'open.json'), altered);
    const ran = await custody(['play', folder, '--key', keyFile(signerPem)]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(/^WARNING: this recording FAILS/) });
    expect(ran.stdout).not.toMatch(/select|evil|nosuch|^session/m);
  });

  test('shows nothing that another signer signed', async () => {
    const ran = await custody([
      'play',
      folderOf(inSegments(QUERIES).files),
      '--key',
      keyFile(pem(makeSigner()).toString()),
    ]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('trusted signers are') as string });
    expect(ran.stdout).not.toContain('select');
  });

  test('a session that is live has no end, and is called incomplete', async () => {
    const { files, signerPem } = inSegments(QUERIES);
    for (const name of ['close.json', 'close.json.sig']) files.delete(name);
    const ran = await custody(['play', folderOf(files), '--key', keyFile(signerPem)]);
    expect(ran.code).toBe(4);
    expect(ran.stdout).toContain('select 3');
    expect(ran.stdout).not.toMatch(/^ *\d+\.\d+ s {2}end/m);
    expect(ran.stdout).toMatch(/\nINCOMPLETE .*\n$/);
  });

  // The server keeps the last segment back until the first statements are on the screen.
  test('shows a session that is fetched while the rest of it is still on its way', async () => {
    const { files, signerPem } = inSegments(QUERIES);
    const api = await fakeApi(signerPem);
    serveEvidence(api, files);
    const last = api.held('00000003.seg');
    const running = startCustody(['play', SESSION], { env: environment(api) });
    while (!running.output.stdout.includes('select 1')) await once(running.child.stdout, 'data');
    expect(running.output.stdout).not.toContain('select 3');
    last.release();
    expect(await running.ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/select 3[\s\S]*\nVERIFIED .*\n$/) as string,
    });
  });

  test('a segment that cannot be fetched is no verdict about the evidence', async () => {
    const { files, signerPem } = inSegments(QUERIES);
    const api = await fakeApi(signerPem);
    serveEvidence(api, files);
    api.objects.delete('00000002.seg');
    const ran = await custody(['play', SESSION], { env: environment(api) });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('custody: 00000002.seg cannot be fetched: status 404');
    expect(ran.stdout).toContain('select 1');
    expect(ran.stdout).not.toMatch(/FAILED|DAMAGED|select [23]/);
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
    expect(await custody(['play', folder, '--speed', '1000'])).toMatchObject({ code: 3 });
  });
});
