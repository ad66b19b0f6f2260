/** `custody export` of a recording in its forms. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fingerprintOf, type OcsfEvent } from '#core/ocsf/event.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { buildEvidence, makeKeys, pem, SESSION } from '#test/support/evidence-builder.ts';
import { custody, temporary } from './support.ts';

const streams = { client: 0, target: 1, gateway: 2, note: 3 } as const;
const query = (text: string): Uint8Array => message(0x51, cstring(text));
const SAID: readonly Said[] = [
  ...LOGIN,
  ['client', query('select 42 as answer')],
  [
    'target',
    server.columns(['answer', 25], ['b', 25]),
    server.row('=1+1', 'x,"y"'),
    server.tag('SELECT 1'),
    server.ready,
  ],
  ['client', query('select nothing')],
  ['target', server.error('column "nothing" does not exist'), server.ready],
];

function recorded(): { folder: string; args: readonly string[] } {
  const keys = makeKeys();
  const folder = temporary();
  const frames = SAID.map(([stream, ...said], at) => ({
    stream: streams[stream],
    timeUs: at * 1000,
    payload: Buffer.concat(said),
  }));
  for (const [name, bytes] of buildEvidence(keys, [[frames]])) writeFileSync(join(folder, name), bytes);
  const key = join(temporary(), 'signer.pem');
  writeFileSync(key, pem(keys.signer));
  return { folder, args: [folder, '--key', key] };
}

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

describe('custody export', () => {
  test('steps as JSON, between what evidence they are of and the verdict', async () => {
    const { folder, args } = recorded();
    const { code, stdout, stderr } = await custody(['export', ...args, '--ndjson']);
    const lines = stdout.trimEnd().split('\n');
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(code).toBe(0);
    expect(stderr).toMatch(/VERIFIED/);
    expect(parsed[0]).toMatchObject({
      kind: 'evidence',
      session: SESSION,
      open: sha256(join(folder, 'open.json')),
      close: sha256(join(folder, 'close.json')),
    });
    expect(parsed.slice(1, -1).map(({ number, kind }) => [number, kind])).toEqual([
      [1, 'login'],
      [2, 'query'],
      [3, 'query'],
      [4, 'end'],
    ]);
    expect(parsed.at(-1)).toMatchObject({ kind: 'verdict', verdict: 'verified', steps: { from: 1, to: 4 } });
  });

  test('OCSF events, chained, and none of the end where the evidence does not hold', async () => {
    const { folder, args } = recorded();
    const out = join(temporary(), 'session.ndjson');
    const ran = await custody(['export', ...args, '--ocsf', '--out', out]);
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    const events = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as OcsfEvent);
    expect(events.map(({ metadata }) => metadata['event_code'])).toEqual([
      ...['session-opened', 'session-authorized', 'login', 'query', 'query', 'end', 'session-closed'],
    ]);
    for (const [at, event] of events.entries()) {
      expect(fingerprintOf(event)).toBe(event.attestation.fingerprint.value);
      expect(event.attestation.prev_event?.fingerprint).toEqual(events[at - 1]?.attestation.fingerprint);
    }
    expect(JSON.parse(readFileSync(`${out}.evidence.json`, 'utf8'))).toMatchObject({
      close: sha256(join(folder, 'close.json')),
      ocsf: { events: 7 },
      verdict: 'verified',
    });
    const segment = join(folder, '00000000.seg');
    const bytes = readFileSync(segment);
    bytes[40]! ^= 1;
    writeFileSync(segment, bytes);
    const altered = await custody(['export', ...args, '--ocsf']);
    expect(altered.code).toBe(1);
    expect(altered.stdout).not.toContain('session-closed');
  });

  test('all rows of a result, whose evidence is named beside it', async () => {
    const { args } = recorded();
    const out = join(temporary(), 'rows.csv');
    const ran = await custody(['export', ...args, '--csv', '--step', '2', '--out', out]);
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(out, 'utf8')).toBe('answer,b\n=1+1,"x,""y"""\n');
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(`${out}.evidence.json`, 'utf8'))).toMatchObject({
      session: SESSION,
      csv: { step: 2 },
      verdict: 'verified',
    });
    const again = await custody(['export', ...args, '--csv', '--step', '2', '--out', out]);
    expect(again.stderr).toContain('cannot be made');
    const safe = await custody(['export', ...args, '--csv', '--step', '2', '--spreadsheet']);
    expect(safe.stdout).toBe(`answer,b\n'=1+1,"x,""y"""\n`);
    expect(safe.stderr).toContain('evidence: {');
    const none = await custody(['export', ...args, '--csv', '--step', '3']);
    expect(none.stderr).toContain('step 3 has no result');
    expect(none.code).not.toBe(0);
  });

  test('the bytes of one stream, exactly', async () => {
    const { args } = recorded();
    const out = join(temporary(), 'client.bin');
    await custody(['export', ...args, '--raw', 'client', '--out', out]);
    const sent = SAID.filter(([stream]) => stream === 'client').flatMap(([, ...said]) => said);
    expect(readFileSync(out).equals(Buffer.concat(sent))).toBe(true);
  });

  test('a script names its evidence and its verdict, and what failed is a comment', async () => {
    const { args } = recorded();
    const { stdout, code } = await custody(['export', ...args, '--sql']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^-- evidence: \{"type":"custody\/evidence-reference\/1"/);
    expect(stdout).toContain('\nselect 42 as answer\n;\n');
    expect(stdout).toContain('-- it failed:\n-- select nothing\n');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^-- verdict: .*"verdict":"verified"/);
  });

  test('an altered recording ends where it no longer verifies, and the exit code says so', async () => {
    const { folder, args } = recorded();
    const segment = join(folder, '00000000.seg');
    const bytes = readFileSync(segment);
    bytes[40]! ^= 1;
    writeFileSync(segment, bytes);
    const { stdout, code } = await custody(['export', ...args, '--ndjson']);
    expect(code).toBe(1);
    expect(stdout).toContain('"verdict":"failed"');
    expect(stdout).not.toContain('select 42');
  });

  test('is one form at a time', async () => {
    const { args } = recorded();
    for (const forms of [[], ['--ndjson', '--sql'], ['--csv']]) {
      const { code, stderr } = await custody(['export', ...args, ...forms]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/one of them|whose rows/);
    }
  });
});
