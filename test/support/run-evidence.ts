import { sign } from 'node:crypto';
import { parse } from 'yaml';
import { accessLeaf } from '#core/access/leaves.ts';
import type { AccessRequest } from '#core/access/request.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import { proveRun } from '#core/ledger/prove-run.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { type CloseStatement, type OpenStatement, STATEMENT_MAX_BYTES } from '#core/recording/format.ts';
import { LEDGER_PROOF, objectKey, TASK_RESULT } from '#core/recording/layout.ts';
import type { Signer } from '#core/recording/ports.ts';
import { canonicalJson } from '#core/tasks/canonical-json.ts';
import type { ProvedRun } from '#core/tasks/proof/proved-run.ts';
import { resultBytes, signResult } from '#core/tasks/proof/statement.ts';
import { deriveTaskResult } from '#core/tasks/result/derive.ts';
import type { TaskResult } from '#core/tasks/result/result.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import { RUN_FILE, RUN_KEY, RUN_WORKFLOW, requestName, runFile, runKeyFile } from '#core/tasks/run-folder.ts';
import { runLeaf } from '#core/tasks/run-leaves.ts';
import { newRun } from '#core/tasks/run-lifecycle.ts';
import type { DeviationNote } from '#core/tasks/session.ts';
import type { OutputDigests } from '#core/tasks/store.ts';
import { LoadedShapes } from '#core/tasks/verify/loaded-shapes.ts';
import { workflowOf } from '#core/tasks/verify/read-run.ts';
import { requestFile } from '#core/tasks/verify/request-file.ts';
import type { Workflow } from '#core/tasks/workflows.ts';
import { framesOf, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { buildEvidence, type FrameInput, type Keys, makeKeys, sha256, spki } from './evidence-builder.ts';
import { MemoryHead, MemoryQueue } from './memory-ledger.ts';
import { MemoryStore } from './memory-ports.ts';

export const ORIGIN = 'custody.example/ledger';
export const KEY = Buffer.alloc(32, 7);
/** Loaded once a file. */
export const SHAPES = new LoadedShapes();
const STARTED = new Date('2026-11-29T09:00:00.000Z');
const STREAMS = { client: 0, target: 1, gateway: 2, note: 3 } as const;

export const WORKFLOW = `
      find:
        target: orders-prod
        by: { groups: [developers] }
        contract:
          does:
            - { name: list, statement: SELECT id FROM orders WHERE paid_twice, answers: { rows: { max: 100 } } }
          outputs: { returned: { of: list, columns: [id] } }
      refund:
        target: orders-prod
        by: { groups: [developers] }
        after: [find]
        contract:
          onDeviation: DEVIATION
          does:
            - name: pay
              statement: UPDATE orders SET refunded = true WHERE id = $1
              values: { $1: { type: integer, from: find.returned.id } }
              times: { min: 1, max: 10 }
      report:
        target: orders-prod
        by: { groups: [developers] }
        after: [refund]
        runs: 2
        contract:
          does: [{ name: total, statement: SELECT count(*) FROM orders }]
`;

/** The workflow `refunds`, with what it says of tasks as YAML. */
export async function workflow(tasks = WORKFLOW, onDeviation = 'record'): Promise<Workflow> {
  const written = parse(`tasks:${tasks.replace('DEVIATION', onDeviation)}`) as unknown;
  return workflowOf('refunds', Buffer.from(canonicalJson(written)), SHAPES);
}

/** A simple query and its answer. */
export function asked(sql: string, answer: Uint8Array[]): Said[] {
  return [
    ['client', message(0x51, cstring(sql))],
    ['target', ...answer, server.ready],
  ];
}

export const LIST = (...ids: number[]): Said[] =>
  asked('SELECT id FROM orders WHERE paid_twice', [
    server.columns(['id', 23]),
    ...ids.map((id) => server.row(String(id))),
    server.tag(`SELECT ${ids.length}`),
  ]);
export const PAY = (id: number): Said[] =>
  asked(`UPDATE orders SET refunded = true WHERE id = ${id}`, [server.tag('UPDATE 1')]);
export const TOTAL: Said[] = asked('SELECT count(*) FROM orders', [
  server.columns(['count', 20]),
  server.row('41'),
  server.tag('SELECT 1'),
]);

export const note = (of: Omit<DeviationNote, 'note'>): Said => [
  'note',
  Buffer.from(JSON.stringify({ note: 'task-deviation', ...of })),
];

interface Played {
  /** Of the open statement. */
  readonly open?: Partial<OpenStatement>;
  readonly close?: Partial<CloseStatement>;
  /** What is signed instead of what is derived. */
  readonly claims?: (result: TaskResult) => TaskResult;
  readonly signer?: Signer;
  /** Steps between the session's beginning and its end. */
  readonly between?: readonly RunStep[];
  readonly requests?: readonly AccessRequest[];
}

/** A run that is played, recorded, derived, signed and entered, all by hand; then its folder, whose files tests alter. */
export class PlayedRun {
  readonly keys: Keys;
  readonly workflow: Workflow;
  run: Run;
  readonly files = new Map<string, Uint8Array>();
  readonly results: TaskResult[] = [];
  readonly requests: AccessRequest[] = [];
  readonly #outputs = new Map<string, OutputDigests>();
  readonly #n: number;

  constructor(of: Workflow, keys = makeKeys(), n = 1, trace?: string) {
    this.workflow = of;
    this.keys = keys;
    this.#n = n;
    const by = { issuer: 'https://id.example', subject: 'dev-1', email: 'dana@example.com' };
    const start = { by, policy: 'a'.repeat(64), ...(trace === undefined ? {} : { trace }) };
    const id = `019acd1b-3280-7b61-8e21-00000000000${n}`;
    this.run = newRun(of, start, { id, key: KEY, now: STARTED });
  }

  get signer(): Signer {
    return signerOf(this.keys);
  }

  session(number: number): string {
    return `019acd1b-5990-7a61-9f43-0000000000${this.#n}${number}`;
  }

  at(): string {
    return new Date(STARTED.getTime() + 1000 * (this.run.steps.length + 1)).toISOString();
  }

  add(...steps: readonly RunStep[]): void {
    this.run = { ...this.run, steps: [...this.run.steps, ...steps] };
  }

  /** A session that runs this task. Returns its id. */
  async play(task: string, said: readonly Said[], how: Played = {}): Promise<string> {
    const session = this.session(this.run.steps.filter(({ kind }) => kind === 'task-started').length);
    const started = this.at();
    this.add({ kind: 'task-started', at: started, task, session }, ...(how.between ?? []));
    const open: Partial<OpenStatement> = {
      startedAt: started,
      principal: {
        issuer: 'https://id.example',
        issuerName: 'default',
        subject: 'dev-1',
        email: 'dana@example.com',
        groups: ['developers'],
        groupsOmitted: 0,
      },
      target: { name: 'orders-prod', protocol: 'postgres', address: '127.0.0.1:5432' },
      task: { run: this.run.id, workflow: 'refunds', digest: this.workflow.digest, name: task },
      ...how.open,
    };
    const frames = framesOf([...LOGIN, ...said, ['client', message(0x58)]]);
    const input: FrameInput[] = frames.map(({ stream, timeUs, payload }) => ({
      stream: STREAMS[stream],
      timeUs,
      payload,
    }));
    const close = { endedAt: this.at(), recordedUntil: input.length * 1000, ...how.close };
    const built = buildEvidence(this.keys, [[input]], { session, open, close });
    for (const [name, bytes] of built) this.files.set(objectKey(session, name), bytes);
    await this.#settle(task, session, frames, how);
    return session;
  }

  async #settle(
    task: string,
    session: string,
    frames: ReturnType<typeof framesOf>,
    how: Played,
  ): Promise<void> {
    const stated = (name: string): { value: never; sha256: string } => {
      const bytes = this.files.get(objectKey(session, name))!;
      if (bytes.byteLength > STATEMENT_MAX_BYTES) throw new Error(`${name} is too long`);
      return { value: JSON.parse(Buffer.from(bytes).toString()) as never, sha256: sha256(bytes) };
    };
    const [open, close] = [stated('open.json'), stated('close.json')];
    const earlier = async (one: string): Promise<OutputDigests | undefined> => this.#outputs.get(one);
    const { workflow, run } = this;
    const each = (async function* () {
      yield* frames;
    })();
    const derived = await deriveTaskResult({ frames: each, open, close, workflow, run, key: KEY, earlier });
    if (derived.result.verdict === 'kept') this.#outputs.set(session, derived.outputs);
    const result = how.claims?.(derived.result) ?? derived.result;
    this.results.push(result);
    this.requests.push(...(how.requests ?? []));
    const { bytes, digest } = await signResult(result, how.signer ?? this.signer);
    this.files.set(objectKey(session, TASK_RESULT), bytes);
    this.add({ kind: 'task-ended', at: this.at(), task, session, verdict: result.verdict, result: digest });
  }

  /** As other people's formats take it. */
  proved(): ProvedRun {
    const { run, workflow } = this;
    const results = this.results.map((result) => {
      const digest = sha256(resultBytes(result));
      return { result, digest, operatorFits: true };
    });
    return { run, workflow, results };
  }

  /** The folder's files. `entered`: what the ledger has, where it is another run than run.json says. */
  async folder(entered: Run = this.run, requests = this.requests): Promise<MemoryStore> {
    const store = new MemoryStore();
    for (const [name, bytes] of this.files) await store.put(name, bytes);
    await store.put(RUN_FILE, runFile(this.run));
    await store.put(RUN_KEY, runKeyFile(KEY));
    await store.put(RUN_WORKFLOW, Buffer.from(this.workflow.text));
    for (const request of this.requests) await store.put(requestName(request.id), requestFile(request));
    await store.put(LEDGER_PROOF, await this.proof(entered, requests));
    return store;
  }

  /** Of the run's leaves, among those of others. */
  async proof(run: Run, requests = this.requests): Promise<Uint8Array> {
    const [objects, head, queue] = [new MemoryStore(), new MemoryHead(), new MemoryQueue()];
    const other = { ...run, id: '019acd1b-3280-7b61-8e21-0000000000ff' };
    for (const one of [other, run])
      for (const number of [run, ...run.steps].keys()) await queue.add(leafBytes(runLeaf(one, number)));
    for (const request of requests)
      for (const number of [request, ...request.steps].keys())
        await queue.add(leafBytes(accessLeaf(request, number)));
    const { signer } = this;
    const sequencer = new Sequencer({ objects, head, queue, signer }, ORIGIN);
    while ((await sequencer.step()).kind !== 'nothing');
    const text = head.history.at(-1)!;
    const checkpoint = openCheckpoint(text, ORIGIN, await signer.publicKey());
    const subjects = [run.id, ...requests.map(({ id }) => id)];
    const proved = await proveRun(text, checkpoint, (path) => objects.get(tileKey(path)), subjects);
    return Buffer.from(JSON.stringify(proved));
  }
}

export function signerOf({ signer }: Keys): Signer {
  return { sign: async (bytes) => sign('sha256', bytes, signer), publicKey: async () => spki(signer) };
}

/** find, refund and report, each of which keeps its contract. */
export async function goodRun(of?: Workflow, keys?: Keys, n?: number): Promise<PlayedRun> {
  const played = new PlayedRun(of ?? (await workflow()), keys, n);
  await played.play('find', LIST(7, 12));
  await played.play('refund', [...PAY(7), ...PAY(12)]);
  await played.play('report', TOTAL);
  return played;
}
