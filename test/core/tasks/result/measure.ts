/** How long results take, and how much memory: node test/core/tasks/result/measure.ts rows|kept-rows|statements|transaction */
import * as backend from '#core/protocols/postgres/backend.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { ContractReading } from '#core/tasks/result/contract-reading.ts';
import { gatherFacts } from '#core/tasks/result/facts.ts';
import { framesOf, LOGIN, server } from '../../replay/support.ts';
import { KEY, query, runOf, shapes, workflowOf } from './support.ts';

const kind = process.argv[2] ?? 'rows';
const ROWS = 1_000_000;
const STATEMENTS = 100_000;

function* said(): Generator<ReplayFrame> {
  let timeUs = 0;
  const frame = (stream: ReplayFrame['stream'], ...messages: Uint8Array[]): ReplayFrame => ({
    stream,
    withheld: false,
    timeUs: (timeUs += 100),
    payload: Buffer.concat(messages),
  });
  yield* framesOf(LOGIN);
  if (kind.endsWith('rows')) {
    yield frame('client', query('SELECT id, name FROM orders'));
    yield frame('target', server.columns(['id', 23], ['name', 25]));
    for (let at = 0; at < ROWS; at += 1000)
      yield frame(
        'target',
        ...Array.from({ length: 1000 }, (_, n) =>
          server.row(String(at + n), `a name of some length ${at + n}`),
        ),
      );
    yield frame('target', server.tag(`SELECT ${ROWS}`), server.ready);
    return;
  }
  const isOne = kind === 'transaction';
  const ready = isOne ? backend.readyForQuery('T') : server.ready;
  if (isOne) yield frame('client', query('BEGIN'));
  if (isOne) yield frame('target', server.tag('BEGIN'), ready);
  for (let at = 0; at < STATEMENTS; at++) {
    yield frame('client', query(`UPDATE orders SET name = 'x' WHERE id = ${at}`));
    yield frame('target', server.tag('UPDATE 1'), ready);
  }
}

async function* streamed(): AsyncGenerator<ReplayFrame> {
  yield* said();
}

const workflow = await workflowOf({
  does: [
    { name: 'list', statement: 'SELECT id, name FROM orders', times: { max: 9 } },
    {
      name: 'change',
      statement: 'UPDATE orders SET name = $1 WHERE id = $2',
      values: { $1: { type: 'text' }, $2: { type: 'integer' } },
      times: { max: 1_000_000 },
    },
  ],
  outputs: kind === 'kept-rows' ? { all: { of: 'list', columns: ['id', 'name'] } } : {},
});
const { contract } = workflow.tasks.get('find')!;
const facts = await gatherFacts(contract, runOf(workflow), 'none', KEY, async () => undefined);
const reading = new ContractReading(contract, facts);
const started = performance.now();
let most = 0;
const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
let count = 0;
for await (const execution of (await shapes).executions(streamed(), reading.parts())) {
  reading.take(execution);
  if (++count % 1000 === 0) await new Promise((go) => setImmediate(go));
  most = Math.max(most, process.memoryUsage().rss);
}
reading.finish(0);
const { outputs } = reading.results(() => undefined);
most = Math.max(most, process.memoryUsage().rss);
clearInterval(watch);
console.log(
  kind,
  `${((performance.now() - started) / 1000).toFixed(1)} s, at most ${(most / 2 ** 20).toFixed(0)} MiB`,
  `${count} executions`,
  reading.deviations.length,
  JSON.stringify(outputs).slice(0, 120),
);
