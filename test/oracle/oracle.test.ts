import { afterAll, beforeAll, expect, test } from 'vitest';
import { runOracle } from './run.ts';
import { OracleServer } from './server.ts';

const CASES = 3_000;
const SEEDS = [20261128, 7];

const server = new OracleServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

test('so they do where the server itself is not in UTF-8', async () => {
  const latin1 = new OracleServer('LATIN1');
  await latin1.start();
  try {
    const counts = await runOracle(latin1, CASES / 6, 3);
    process.stdout.write(`oracle in LATIN1: ${JSON.stringify(counts)}\n`);
    expect(counts.letters).toBeGreaterThan(2 * counts.undecoded);
  } finally {
    await latin1.stop();
  }
}, 120_000);

// What a replay shows must be what ran: npm run oracle -- --cases N --seed S for more of them.
test.each(SEEDS)(
  'random pipelines, seed %i: the steps say what the log of the server says',
  async (seed) => {
    const counts = await runOracle(server, CASES / SEEDS.length, seed);
    process.stdout.write(`oracle, seed ${seed}: ${JSON.stringify(counts)}\n`);
    expect(counts.cases).toBeGreaterThanOrEqual(CASES / SEEDS.length);
    // A generator that made nothing of this kind would prove nothing.
    for (const kind of ['failed', 'skipped', 'doubtful', 'copies', 'letters', 'undecoded', 'lost'] as const)
      expect(counts[kind], kind).toBeGreaterThan(5);
    // Bytes are never a wrong letter; a replay of nothing but bytes would tell nothing.
    expect(counts.letters).toBeGreaterThan(2 * counts.undecoded);
  },
  120_000,
);
