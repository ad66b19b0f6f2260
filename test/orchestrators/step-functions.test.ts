/** The states of the state machine in docs/orchestrators, one after the other, by the Lambda function's own code at a gateway. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoIssuer } from '#adapters/local/demo-issuer.ts';
import { keptKeys, workloadKeys } from '#adapters/local/demo-keys.ts';
import { demoWorkloads, jobToken, workloadsIssuer } from '#adapters/local/demo-workloads.ts';
import { openPostgres } from '#adapters/postgres/executor.ts';
import { CustodyApi } from '#lambdas/task/custody-api.ts';
import { readOrder } from '#lambdas/task/order.ts';
import { type Answer, carryOut } from '#lambdas/task/task-runner.ts';
import { traceparentOfXray } from '#lambdas/task/xray.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const FILE = new URL('../../docs/orchestrators/step-functions/refunds.asl.json', import.meta.url);
const XRAY = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';

interface State {
  readonly Arguments?: { readonly Payload: Record<string, unknown> };
  readonly Next?: string;
}

const { StartAt, States } = JSON.parse(readFileSync(FILE, 'utf8')) as {
  readonly StartAt: string;
  readonly States: Record<string, State>;
};

describe('a state machine of AWS Step Functions', () => {
  let local: LocalGateway;
  let api: CustodyApi;
  beforeAll(async () => {
    local = await startLocalGateway();
    api = new CustodyApi(local.addresses.api, token);
  });
  afterAll(() => local?.stop());

  /** In AWS it is that of the function's role. */
  const token = (): Promise<string> => {
    const { issuer: people, audience } = demoIssuer(local.dataDir);
    const keys = keptKeys(local.dataDir, workloadKeys);
    return jobToken(keys, workloadsIssuer(people), audience, demoWorkloads.deploy, Date.now());
  };
  const invoke = (event: unknown): Promise<Answer> =>
    carryOut(readOrder(event), {
      ...{ api, token, open: openPostgres, sleep },
      publicCas: () => '',
      subjectOf: (jwt) => decodeJwt(jwt).sub!,
      trace: () => traceparentOfXray(XRAY),
    });

  /** As Step Functions fills them in: the two expressions that the file has. */
  async function execute(execution: string): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (let name: string | undefined = StartAt; name !== undefined; name = States[name]!.Next) {
      const payload = JSON.stringify(States[name]!.Arguments!.Payload)
        .replace('{% $states.context.Execution.Id %}', execution)
        .replace('{% $run %}', answers[0]?.run ?? '');
      answers.push(await invoke(JSON.parse(payload)));
    }
    return answers;
  }

  it('runs the workflow to its end, and its answers have no data', async () => {
    const [start, ...tasks] = await execute('arn:aws:states:eu-central-1:123456789012:execution:refunds:1');
    expect(tasks).toMatchObject([
      { task: 'find', verdict: 'kept', state: 'running', commands: [{ command: 'paid-twice', rows: 3 }] },
      { task: 'refund', verdict: 'kept', commands: [{ affected: 1 }, { affected: 1 }, { affected: 1 }] },
      { task: 'report', verdict: 'kept', state: 'done', commands: [{ command: 'count', rows: 1 }] },
    ]);
    const again = { start: 'refunds', key: 'arn:aws:states:eu-central-1:123456789012:execution:refunds:1' };
    expect(await invoke(again)).toEqual(start);
    const response = await fetch(`${local.addresses.api}/v1/runs/${start!.run}`, {
      headers: { authorization: `Bearer ${await token()}` },
    });
    expect(await response.json()).toMatchObject({
      state: 'done',
      trace: '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01',
    });
  });

  it('fails with the code and the words of what left the contract', async () => {
    const { run } = await invoke({ start: 'refunds', key: 'another' });
    await invoke({ run, task: 'find' });
    const wrong = { run, task: 'refund', values: { $1: 1, $2: 10 } };
    await expect(invoke(wrong)).rejects.toMatchObject({
      code: 'contract-deviation',
      message: expect.stringContaining('a value from find.orders.order_id'),
    });
    await expect(invoke({ run, task: 'report' })).rejects.toMatchObject({
      message: expect.stringContaining('comes after refund'),
    });
  });

  it('sends no token in the clear', () => {
    for (const address of ['', 'http://custody.example.com', 'https.example'])
      expect(() => new CustodyApi(address, token)).toThrow('https://');
  });

  it.each([[{}], [{ run: 'x', task: 'find' }], [{ start: 'refunds' }], ['refunds']])(
    'takes no other order: %j',
    (event) => expect(() => readOrder(event)).toThrow('this is no order of this function'),
  );
});
