/** Random pipelines at a real PostgreSQL, held against its own log: npm run oracle -- [--cases N] [--seed S] [--latin1] */
import { parseArgs } from 'node:util';
import { runOracle } from './run.ts';
import { OracleServer } from './server.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    latin1: { type: 'boolean' },
  },
});
const cases = Number(values.cases);
const seed = Number(values.seed ?? Date.now() % 2 ** 32);
const server = new OracleServer(values.latin1 === true ? 'LATIN1' : 'UTF8');
await server.start();
const started = performance.now();
let told = 0;
try {
  const counts = await runOracle(server, cases, seed, (soFar) => {
    if (soFar.cases < told + 5000) return;
    told = soFar.cases;
    console.log(`${((performance.now() - started) / 1000).toFixed(0)} s: ${JSON.stringify(soFar)}`);
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `seed ${seed}, ${seconds} s: ${JSON.stringify(counts)}, ${server.crashes} crashes of the server`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await server.stop();
}
