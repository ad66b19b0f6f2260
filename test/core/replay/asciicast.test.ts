import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { asciicast, type CastOptions } from '#core/replay/asciicast.ts';
import { sshTerminal } from '#core/replay/ssh/terminal-events.ts';
import { hasClient } from '#test/support/clients.ts';
import { ask, asyncOf, ptyRequest, session, TARGET } from './ssh/support.ts';

const OPTIONS: CastOptions = {
  version: 3,
  startedAt: 1_700_000_000_000,
  title: 'dana on web-1',
  input: false,
};

/** It wants a terminal of its own. */
function played(file: string): string {
  return execFileSync('script', ['-qec', `asciinema cat ${file}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  }).toString();
}

function recorded(withTerminal = true) {
  const peers = session();
  if (withTerminal) peers.run(ptyRequest(100, 30));
  peers.run(ask('exec').string('top').done());
  peers.print(Uint8Array.of(0x61, 0xe2, 0x82));
  peers.tape.wait(500);
  peers.print(Uint8Array.of(0xac, 0x0a, 0xff));
  peers.type('secret');
  peers.client(ask('window-change', TARGET, false).uint32(120).uint32(40).uint32(0).uint32(0).done());
  peers.close(3);
  return peers.tape.frames;
}

async function castOf(options: Partial<CastOptions> = {}, withTerminal = true) {
  const remarks = { replaced: false };
  const lines: string[] = [];
  const events = sshTerminal(asyncOf(recorded(withTerminal)), withTerminal ? undefined : 1);
  for await (const line of asciicast(events, { ...OPTIONS, ...options }, remarks)) lines.push(line);
  return { lines, parsed: lines.map((line) => JSON.parse(line) as unknown), remarks };
}

it('version 3 has times since the event before, sizes, whole characters and the exit status', async () => {
  const { parsed, remarks } = await castOf();
  expect(parsed).toEqual([
    {
      version: 3,
      term: { cols: 100, rows: 30, type: 'xterm' },
      timestamp: 1_700_000_000,
      title: 'dana on web-1',
      command: 'top',
    },
    [0.002, 'o', 'a'],
    [0.501, 'o', '€\n\ufffd'],
    [0.002, 'r', '120x40'],
    [0.001, 'x', '3'],
  ]);
  expect(remarks.replaced).toBe(true);
});

it('what was typed is in it only where that is asked for', async () => {
  expect((await castOf()).lines.join('')).not.toContain('secret');
  expect((await castOf({ input: true })).parsed).toContainEqual([0.001, 'i', 'secret']);
});

it('lines of a program without a terminal get a carriage return', async () => {
  const { parsed } = await castOf({}, false);
  expect(parsed).toContainEqual([0.501, 'o', '€\r\n\ufffd']);
  expect(parsed[0]).toMatchObject({ term: { cols: 80, rows: 24 } });
});

it.skipIf(!hasClient('asciinema'))('version 2 is played by asciinema 2, byte for byte', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-cast-'));
  try {
    const { lines, parsed } = await castOf({ version: 2 });
    writeFileSync(join(folder, 'x.cast'), `${lines.join('\n')}\n`);
    expect(played(join(folder, 'x.cast'))).toBe('a€\n\ufffd');
    expect(parsed.slice(1)).toEqual([
      [0.002, 'o', 'a'],
      [0.503, 'o', '€\n\ufffd'],
      [0.505, 'r', '120x40'],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
