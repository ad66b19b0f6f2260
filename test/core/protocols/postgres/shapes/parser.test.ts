import { getHeapStatistics } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { Parser } from '#core/protocols/postgres/shapes/parser.ts';

describe('the parser', () => {
  it('takes no more memory, however many texts it is given', async () => {
    const parser = await Parser.load();
    const before = getHeapStatistics().malloced_memory;
    for (let at = 0; at < 5_000; at += 1) parser.parse(`select a${at} from b where c = $1`);
    expect(getHeapStatistics().malloced_memory - before).toBeLessThan(16 << 20);
  });
});
