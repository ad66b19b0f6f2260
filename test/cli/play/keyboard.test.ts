import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { Cli } from '#cli/cli.ts';
import { keyboard, terminalOf } from '#cli/play/keyboard.ts';

function terminal() {
  const raw: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (is: boolean) => raw.push(is) });
  return { raw, stdin, cli: { stdin } as unknown as Cli };
}

it('gives keys as they come, and lets whoever waits for the next one go when the window is restored', async () => {
  const { raw, stdin, cli } = terminal();
  const { keys, restore } = keyboard(terminalOf(cli));
  stdin.write('n');
  expect(Buffer.from((await keys.next()).value as Uint8Array).toString()).toBe('n');
  const waiting = keys.next();
  restore();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect([raw, stdin.isPaused(), stdin.destroyed]).toEqual([[true, false], true, false]);
});

it('is over where the terminal goes away', async () => {
  const { stdin, cli } = terminal();
  const { keys } = keyboard(terminalOf(cli));
  const waiting = keys.next();
  stdin.end();
  expect(await waiting).toMatchObject({ done: true });
});

it('says so where there is no terminal', () => {
  expect(() => terminalOf({ stdin: new PassThrough() } as unknown as Cli)).toThrow('this is none');
});
