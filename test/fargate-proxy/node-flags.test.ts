import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { NODE_FLAGS } from '#proxy/node-flags.ts';

const PARSES = `
  import { getHeapStatistics } from 'node:v8';
  import { Parser } from '#core/protocols/postgres/shapes/parser.ts';
  const parser = await Parser.load();
  const before = getHeapStatistics().malloced_memory;
  for (let at = 0; at < 5_000; at += 1) parser.parse('select a' + at + ' from b where c = $1');
  console.log(getHeapStatistics().malloced_memory - before);`;

describe("the gateway's node", () => {
  it('takes no more memory, however many texts it parses', () => {
    const args = [...NODE_FLAGS, '--input-type=module', '--eval', PARSES];
    expect(Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))).toBeLessThan(16 << 20);
  });
});
