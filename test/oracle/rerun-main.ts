/** npm run oracle:rerun -- [--sessions N] [--seed S] */
import { parseArgs } from 'node:util';
import { runChangedOracle } from './changed.ts';
import { runRerunOracle } from './rerun.ts';
import { OracleServer } from './server.ts';

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '500' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 32);
const server = new OracleServer();
await server.start();
try {
  const sessions = Number(values.sessions);
  console.log(`seed ${seed}: ${JSON.stringify(await runRerunOracle(server, sessions, seed))}`);
  console.log(`seed ${seed}, changed: ${JSON.stringify(await runChangedOracle(server, sessions, seed))}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await server.stop();
}
