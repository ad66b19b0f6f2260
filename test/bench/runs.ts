/**
 * A thousand runs of five tasks on the whole local deployment: how long it takes to list, show, take out and verify them.
 * `npm run bench:runs -- [--runs 1000] [--sample 10]`. Sessions are recorded by the real recorder, without clients and a database.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDocument } from 'yaml';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { readConfig } from '#core/access/config.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { type Opening, Recorder } from '#core/recording/recorder.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { Run } from '#core/tasks/run.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { startTask } from '#core/tasks/run-start-task.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import { framesOf, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { reconfigure } from '#test/support/access-story.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { MemoryJournal } from '#test/support/memory-ports.ts';
import { opening, slabsOf } from '#test/support/recorder.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, sample: { type: 'string', default: '10' } },
});
const TASKS = ['find', 'check', 'refund', 'report', 'close'] as const;
const STREAMS = { client: 0, target: 1, gateway: 2, note: 3 } as const;
const LIST = 'SELECT id FROM orders WHERE returned';
const pay = (id: number | string): string => `UPDATE orders SET refunded = true WHERE id = ${id}`;

/** `find` puts out what `refund` takes in; each comes after the one before. */
const WORKFLOW = {
  tasks: Object.fromEntries(
    TASKS.map((name, at) => [
      name,
      {
        target: 'orders-prod',
        by: [{ groups: ['developers'] }],
        after: TASKS.slice(Math.max(0, at - 1), at),
        contract:
          name === 'refund'
            ? {
                does: [
                  {
                    name: 'pay',
                    statement: pay('$1'),
                    values: { $1: { type: 'integer', from: 'find.returned.id' } },
                    times: { max: 9 },
                  },
                ],
              }
            : {
                does: [{ name: 'list', statement: LIST }],
                outputs: { returned: { of: 'list', columns: ['id'] } },
              },
      },
    ]),
  ),
};

function saidIn(task: string): Said[] {
  const query = (text: string): Said => ['client', message(0x51, cstring(text))];
  const paid = (id: number): Said[] => [query(pay(id)), ['target', server.tag('UPDATE 1'), server.ready]];
  if (task === 'refund') return [...LOGIN, ...paid(7), ...paid(8)];
  const rows = [7, 8].map((id) => server.row(String(id)));
  return [
    ...LOGIN,
    query(LIST),
    ['target', server.columns(['id', 23]), ...rows, server.tag('SELECT 2'), server.ready],
  ];
}

async function make(local: LocalGateway, count: number): Promise<readonly string[]> {
  const { dataDir } = local;
  const [runs, leaves, index] = [
    localRunStore(dataDir),
    localLeafQueue(dataDir),
    openSessionIndex(join(dataDir, 'index.sqlite')),
  ];
  const store = directoryStore(join(dataDir, 'store'));
  const lease = { isHeld: true, task: 'bench' };
  const recorder = new Recorder({
    sink: store,
    signer: fileSigner(dataDir),
    journal: new MemoryJournal(),
    index,
    leaves,
    lease,
  });
  const file = join(dataDir, 'custody.yaml');
  const config = await readConfig(readFileSync(file, 'utf8'), file);
  const workflow = config.compiled.get('thousand')!;
  const now = (): Date => new Date();
  const newId = (at: Date): string => newSessionId(at.getTime(), randomBytes(10));
  const texts = workflowTexts(store);
  const desk = new RunDesk({
    runs,
    texts,
    leaves,
    stream: { tell: async () => undefined },
    now,
    newId,
    newKey: () => randomBytes(32),
  });
  const by = { issuer: config.issuers[0]!.issuer, subject: 'dev-1', email: 'dana@example.com' };
  let tapes = 0;
  const session = async ({ id: run }: Run, task: string): Promise<void> => {
    const tape = ++tapes;
    const startedAt = now();
    const opened: Opening = {
      ...opening(),
      session: newId(startedAt),
      startedAt: startedAt.toISOString(),
      principal: {
        ...by,
        issuerName: config.issuers[0]!.name,
        groups: ['developers'],
        groupsOmitted: 0,
      },
      target: { name: 'orders-prod', protocol: 'postgres', address: '127.0.0.1:5432' },
      task: { run, workflow: 'thousand', digest: workflow.digest, name: task },
    };
    await recorder.open(tape, opened, 0);
    await desk.change(run, (found, at) => startTask(found, workflow, task, opened.session, at));
    const frames = framesOf(saidIn(task)).map(({ stream, timeUs, payload }) => ({
      tape,
      stream: STREAMS[stream],
      timeUs,
      payload,
    }));
    await recorder.commit(slabsOf(frames, 1));
    await recorder.close(tape, { reason: 'client-closed', endedAt: now().toISOString(), at: 10 });
    for (;;) {
      const { steps } = await runs.get(run);
      if (steps.some((step) => step.kind === 'task-ended' && step.session === opened.session)) return;
      await new Promise((next) => setTimeout(next, 20));
    }
  };
  const made: string[] = [];
  const one = async (): Promise<void> => {
    const run = await desk.start(workflow, { by, policy: 'a'.repeat(64) });
    made.push(run.id);
    for (const task of TASKS) await session(run, task);
  };
  let left = count;
  // The control plane of `npm start` settles them four times a second: many at once.
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (left-- > 0) await one();
    }),
  );
  for (const open of [runs, leaves, index]) open.close();
  return made;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began);
}

async function main(local: LocalGateway, home: string): Promise<void> {
  await reconfigure(local, (text) => {
    const config = parseDocument(text);
    config.setIn(['workflows', 'thousand'], JSON.parse(JSON.stringify(WORKFLOW)));
    return String(config);
  });
  const say = (figures: object): void => void process.stdout.write(`${JSON.stringify(figures)}\n`);
  const began = performance.now();
  const runs = await make(local, Number(values.runs));
  say({ runs: runs.length, tasks: TASKS.length, madeInMs: Math.round(performance.now() - began) });
  const custody = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, ...(await local.cliEnvironment('auditor', home)) };
    const child = spawn(
      process.execPath,
      [new URL('../../cli/custody.mjs', import.meta.url).pathname, ...args],
      { env },
    );
    let out = '';
    child.stdout.on('data', (text: Buffer) => (out += text.toString()));
    child.stderr.pipe(process.stderr);
    const code = await new Promise((done) => child.once('close', done));
    if (code !== 0) throw new Error(`custody ${args.join(' ')}: ${String(code)}: ${out.slice(0, 2000)}`);
    return out;
  };
  const api = async (path: string): Promise<unknown> => {
    const authorization = `Bearer ${await local.token('auditor')}`;
    const answer = await fetch(local.addresses.api + path, { headers: { authorization } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const all = await timed(async () => {
    for (let cursor = '', seen = 0; ; ) {
      const page = (await api(`/v1/runs?workflow=thousand&limit=100${cursor && `&cursor=${cursor}`}`)) as {
        runs: unknown[];
        next?: string;
      };
      seen += page.runs.length;
      if (page.next === undefined) {
        if (seen !== runs.length) throw new Error(`${seen} of ${runs.length} runs are listed`);
        return;
      }
      cursor = page.next;
    }
  });
  const first = await timed(() => api('/v1/runs?workflow=thousand&limit=50'));
  say({
    listPageOf50Ms: first,
    listAllMs: all,
    listByCliMs: await timed(() => custody('run', 'list', '--json')),
  });
  const sample = runs.filter((_, at) => at % Math.ceil(runs.length / Number(values.sample)) === 0);
  const shows: number[] = [];
  for (const id of sample) shows.push(await timed(() => api(`/v1/runs/${id}`)));
  say({
    showMs: median(shows),
    showByCliMs: await timed(() => custody('run', 'show', sample[0]!, '--json')),
  });
  const [exports, verifies]: [number[], number[]] = [[], []];
  // The ledger has taken all of it in.
  await custody('run', 'verify', runs.at(-1)!, '--json').catch(
    () => new Promise((next) => setTimeout(next, 20_000)),
  );
  for (const id of sample) {
    const out = join(home, id);
    exports.push(await timed(() => custody('run', 'export', id, '--out', out)));
    verifies.push(await timed(() => custody('run', 'verify', out)));
  }
  say({ sample: sample.length, exportMs: median(exports), verifyOfflineMs: median(verifies) });
}

function median(all: readonly number[]): number {
  return all.toSorted((one, other) => one - other)[all.length >> 1]!;
}

const local = await startLocalGateway();
const home = mkdtempSync(join(tmpdir(), 'custody-bench-runs-'));
try {
  await main(local, home);
} finally {
  await local.stop();
  rmSync(home, { recursive: true, force: true });
}
