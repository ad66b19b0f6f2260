import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BEGINS, ENDS, keptOf, tables, withTables } from '#test/bench/docs-table.ts';
import { toRow } from '#test/bench/report.ts';
import { type Results, readResults, resultsText, writeResults } from '#test/bench/results.ts';

const RESULTS: Results = {
  machine: { cpus: 2, model: 'a machine', node: 'v24.0.0', date: '2026-11-30' },
  run: { rounds: 3, seconds: 20 },
  goals: [{ name: 'a goal', value: 0.9012, bound: '>= 0.9', met: true }],
  rows: [
    toRow({ name: '-S c1', unit: 'tps' }, 'direct-tls', [
      { rate: 20_000.4, cpu: Number.NaN, machineCpu: 50.123456 },
    ]),
    toRow(
      { name: '-S c1', unit: 'tps' },
      'custody-tls',
      [9_000, 11_000, 10_000].map((rate) => ({
        rate,
        cpu: 38.1,
        machineCpu: 90,
        p50: 0.0952,
        p99: 0.2,
        threads: { relay: 30 },
      })),
    ),
  ],
};

it('keeps results in a file, one row a line, with nothing for what is not known', () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-results-'));
  writeResults(join(folder, 'file'), RESULTS);
  const read = readResults(join(folder, 'file'));
  rmSync(folder, { recursive: true });
  expect(read.rows[1]).toMatchObject({
    contender: 'custody-tls',
    median: { rate: 10_000, threads: { relay: 30 } },
  });
  expect(read.rows[0]!.median.machineCpu).toBe(50.12);
  expect(read.rows[0]!.median.cpu).toBeNaN();
  expect(resultsText(RESULTS).trim().split('\n')).toHaveLength(11);
});

it('makes tables of them', () => {
  const text = tables(keptOf(RESULTS));
  expect(text).toContain('2026-11-30, 2 cores of a machine, Node v24.0.0; rounds 3, seconds 20.');
  expect(text).toContain(
    '| | direct-tls | custody-tls |\n|---|--:|--:|\n| -S c1, tps | 20,000 | 10,000 (9,000–11,000) |',
  );
  expect(text).toContain('| -S c1, tps |  | 38.1 |');
  expect(text).toContain('| -S c1, tps |  | 0.0952 / 0.2 |');
  expect(text).toContain('| a goal | 0.901 | >= 0.9 | met |');
});

it('puts them between the marks of a page, and nowhere else', () => {
  const page = withTables(`before\n${BEGINS}\nold\n${ENDS}\nafter\n`, RESULTS);
  expect(page.startsWith(`before\n${BEGINS}\n\n2026`)).toBe(true);
  expect(page.endsWith(`${ENDS}\nafter\n`)).toBe(true);
  expect(page).not.toContain('old');
  expect(() => withTables('no marks', RESULTS)).toThrow('the page has no');
});

it('has the tables in docs/speed.md that the kept results give', () => {
  const page = readFileSync(new URL('../../docs/speed.md', import.meta.url), 'utf8');
  const kept = new URL('../bench/results/postgres.json', import.meta.url).pathname;
  expect(page).toBe(withTables(page, readResults(kept)));
});
