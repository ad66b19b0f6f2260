/** `custody play` and `custody export` of recordings of SSH. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask, login, ptyRequest, session } from '#test/core/replay/ssh/support.ts';
import { buildEvidence, makeKeys, pem } from '#test/support/evidence-builder.ts';
import { custody, temporary } from './support.ts';

const streams = { client: 0, target: 1, gateway: 2, note: 3 } as const;
const HOSTILE = '\u001b]0;owned\u0007\u001b[2J\u009b31m';

/** A shell in a terminal that prints what a terminal acts on. */
function recorded(): string[] {
  const peers = session();
  const { frames } = login(peers.tape);
  peers.run(ptyRequest(100, 30));
  peers.run(ask('shell').done());
  peers.print('$ ');
  peers.type('ls\r');
  peers.print(`ls\r\n${HOSTILE}\r\n`);
  peers.close(3);
  const keys = makeKeys();
  const target = { name: 'web-1', protocol: 'ssh', address: 'web-1:22' };
  const input = frames.map(({ stream, timeUs, payload }) => ({ stream: streams[stream], timeUs, payload }));
  const folder = temporary();
  for (const [name, bytes] of buildEvidence(keys, [[input]], { open: { target } }))
    writeFileSync(join(folder, name), bytes);
  const key = join(temporary(), 'signer.pem');
  writeFileSync(key, pem(keys.signer));
  return [folder, '--key', key];
}

describe('an SSH recording', () => {
  it('security case 18 (SSH): no terminal gets what a session printed unless --raw asks for it', async () => {
    const evidence = recorded();
    const played = await custody(['play', ...evidence]);
    expect(played).toMatchObject({ code: 0, stderr: '' });
    expect(played.stdout).toContain('typed, by the screen, after $: ls');
    expect(played.stdout).toContain('\\x1b]0;owned');
    const json = await custody(['play', ...evidence, '--json']);
    const cast = await custody(['export', ...evidence, '--asciicast']);
    for (const { stdout } of [played, json, cast]) expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
    const raw = await custody(['play', ...evidence, '--raw']);
    expect(raw.stdout).toContain(HOSTILE);
    expect(raw.stderr).toContain('acts on your own terminal');
  });

  it('is exported with its verdict, and only where there is a terminal', async () => {
    const evidence = recorded();
    const cast = await custody(['export', ...evidence, '--asciicast']);
    expect(cast).toMatchObject({ code: 0 });
    const lines = cast.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines[0]).toMatchObject({ version: 3, term: { cols: 100, rows: 30 } });
    expect(lines.at(-1)).toEqual([expect.any(Number), 'x', '3']);
    expect(cast.stderr).toMatch(/verified/i);
    const none = await custody(['export', ...evidence, '--asciicast', '--channel', '7']);
    expect(none.stderr).toContain('nothing runs on channel 7');
    expect(none.code).not.toBe(0);
  });
});
