import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoRunStore } from '#adapters/aws/runs-store.ts';
import { s3Store } from '#adapters/aws/s3-store.ts';
import { objectKey, TASK_RESULT } from '#core/recording/layout.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { canonicalJson } from '#core/tasks/canonical-json.ts';
import { openResult } from '#core/tasks/proof/statement.ts';
import { changeRun } from '#core/tasks/run-desk.ts';
import { newRun } from '#core/tasks/run-lifecycle.ts';
import { startTask } from '#core/tasks/run-start-task.ts';
import { executionsOf } from '#core/tasks/run-state.ts';
import { storedWorkflow } from '#core/tasks/stored-workflow.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import { DANA, KEY, runId } from '#test/core/tasks/run-support.ts';
import { contextFor } from '#test/support/api-gateway.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';
import { memoryPorts, opening, slabsOf, textFrame } from '#test/support/recorder.ts';

const now = (): Date => new Date();
const WRITTEN = {
  tasks: {
    find: {
      target: 'orders-db',
      by: { groups: ['support'] },
      runs: 3,
      contract: { does: [{ name: 'one', statement: 'select 1' }] },
    },
  },
};

describe.runIf(hasMoto())('the function that settles', () => {
  let moto: Moto;
  let table: string;
  let bucket: string;
  let key: string;
  let settle: (event: object) => Promise<void>;
  beforeAll(async () => {
    moto = await startMoto();
    [table, bucket, key] = await Promise.all([moto.table('runs'), moto.bucket(), moto.signingKey()]);
    const tables = ['SESSIONS', 'JOURNAL', 'COORDINATION', 'ACCESS', 'RUNS', 'DELIVERIES'];
    Object.assign(process.env, {
      ...moto.environment,
      ...Object.fromEntries(tables.map((name) => [`CUSTODY_TABLE_${name}`, 'none'])),
      CUSTODY_TABLE_RUNS: table,
      CUSTODY_BUCKET: bucket,
      CUSTODY_CONFIG_BUCKET: 'none',
      CUSTODY_SIGNING_KEY: key,
      CUSTODY_LEDGER_ORIGIN: 'ledger.example/custody',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
      POWERTOOLS_METRICS_DISABLED: 'true',
    });
    const { handler } = await import('#lambdas/functions/settler.ts');
    settle = (event) => handler(event as never, contextFor(60_000));
  });
  afterAll(() => moto.stop());

  const minute = { 'detail-type': 'Scheduled Event', detail: {} };
  const put = (object: string) => ({ 'detail-type': 'Object Created', detail: { object: { key: object } } });

  /** A run whose task a sealed session has, and what it is kept in. */
  async function sealed(n: number) {
    const runs = dynamoRunStore({ dynamo: moto.clients.dynamo, table }, now);
    const store = s3Store(moto.clients.s3, {
      ...{ bucket, lock: 'governance', retentionMs: 86_400_000, mayRead: true, now },
    });
    const signer = kmsSigner(moto.clients.kms, key);
    const workflow = await storedWorkflow('refunds', canonicalJson(WRITTEN));
    await workflowTexts(store).put(workflow);
    const start = { by: DANA, policy: 'a'.repeat(64) };
    const run = await runs.create(newRun(workflow, start, { id: runId(n), key: KEY, now: now() }), KEY);
    const task = { run: run.id, workflow: 'refunds', digest: workflow.digest, name: 'find' };
    const opened = { ...opening(n), task };
    const recorder = new Recorder({ ...memoryPorts(), signer, sink: store });
    await recorder.open(1, opened, 0);
    await changeRun(runs, run.id, (found) => startTask(found, workflow, 'find', opened.session, now()), now);
    await recorder.commit(slabsOf([textFrame(1, 10, 'no PostgreSQL at all')], 1));
    await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
    return { runs, run, store, signer, session: opened.session };
  }

  /** The run has the result that lies beside the session. */
  async function expectSettled({ runs, run, store, signer, session }: Awaited<ReturnType<typeof sealed>>) {
    const bytes = await store.get(objectKey(session, TASK_RESULT));
    const { result, digest } = openResult(bytes, await signer.publicKey());
    expect(result).toMatchObject({ session, run: run.id, task: 'find', verdict: 'deviated' });
    const [{ ended }] = executionsOf(await runs.get(run.id)) as unknown as [{ ended: object }];
    expect(ended).toMatchObject({ verdict: 'deviated', result: digest });
    // The notifier tells of it.
    expect(await runs.untold(1, run.id)).toMatchObject([{ told: 0 }]);
  }

  it('derives the result of a session when S3 says that it is sealed', async () => {
    const the = await sealed(1);
    await settle(put(`sessions/${the.session}/close.json.sig`));
    await expectSettled(the);
    await settle(put(`sessions/${the.session}/close.json.sig`));
    expect((await the.runs.get(the.run.id)).steps).toHaveLength(2);
  });

  it('derives each minute what nobody said anything of', async () => {
    const the = await sealed(2);
    await settle(minute);
    await expectSettled(the);
    expect(await the.runs.unsettled(10)).toEqual([]);
  });
});
