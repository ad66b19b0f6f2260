import { expect, it } from 'vitest';
import { readOptions } from '#test/bench/options.ts';
import { parseVariant } from '#test/bench/variant.ts';

it('measures honestly where nothing is said', () => {
  const { rounds, seconds, clients } = readOptions([]);
  expect({ rounds, seconds, clients }).toEqual({ rounds: 5, seconds: 20, clients: [1, 8, 64] });
});

it('chooses contenders by whole names and stars, workloads by parts of theirs', () => {
  const options = readOptions(['--contenders', 'direct-tls,pgb*er', '--only', 'c64,COPY']);
  const competing = ['direct', 'direct-tls', 'pgbouncer', 'pgbouncer-tls', 'custody-tls'];
  expect(competing.filter(options.competes)).toEqual(['direct-tls', 'pgbouncer']);
  const wanted = ['-S simple c8', '-S simple c64', 'COPY in', 'churn c8'];
  expect(wanted.filter(options.wanted)).toEqual(['-S simple c64', 'COPY in']);
});

it('has whom the goals compare, and every workload, where none is chosen', () => {
  const options = readOptions([]);
  const all = ['direct', 'direct-tls', 'pgbouncer-tls', 'custody-tls-write-ahead', 'pgpool-tls-both'];
  expect(all.filter(options.competes)).toEqual(['direct-tls', 'pgbouncer-tls', 'custody-tls-write-ahead']);
  expect(readOptions(['--contenders', '*']).competes('pgpool-tls-both')).toBe(true);
  expect(options.wanted('churn c8')).toBe(true);
});

it('refuses what is no number', () => {
  expect(() => readOptions(['--rounds', 'x'])).toThrow('--rounds: x is not a number above 0');
  expect(() => readOptions(['--clients', '8,0'])).toThrow('--clients: 0 is not a number above 0');
});

it('takes variants, which compete whoever is chosen', () => {
  const words = 'pages=--use-largepages=silent GLIBC_TUNABLES=glibc.malloc.hugetlb=1 arg:--processes=2';
  const options = readOptions([
    '--contenders',
    'direct',
    '--variant',
    words,
    '--variant',
    'b=of:custody-tls-both',
  ]);
  expect(options.variants).toEqual([
    {
      name: 'custody-tls+pages',
      of: 'custody-tls',
      nodeFlags: ['--use-largepages=silent'],
      environment: { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' },
      args: ['--processes=2'],
      under: [],
    },
    {
      ...{ name: 'custody-tls-both+b', of: 'custody-tls-both' },
      nodeFlags: [],
      environment: {},
      args: [],
      under: [],
    },
  ]);
  expect(options.competes('custody-tls+pages')).toBe(true);
  expect(options.competes('custody-tls')).toBe(false);
});

it('takes another checkout and a command to start under', () => {
  const variant = parseVariant('before=DIR:/some/where under:chrt under:--batch under:0');
  expect(variant).toMatchObject({ dir: '/some/where', under: ['chrt', '--batch', '0'] });
});

it('writes down what a variant is, and not where it lies', () => {
  const { told } = readOptions([
    '--variant',
    'before=dir:/some/where LD_PRELOAD=libjemalloc.so.2 --v8-pool-size=1',
  ]);
  expect(told['custody-tls+before']).toBe('LD_PRELOAD=libjemalloc.so.2 --v8-pool-size=1 another checkout');
});

it.each([['nothing'], ['A=--x'], ['a=what'], ['a=foo=bar'], ['a=dri:/x']])(
  'does not guess what %s means',
  (text) => {
    expect(() => parseVariant(text)).toThrow('--variant');
  },
);
