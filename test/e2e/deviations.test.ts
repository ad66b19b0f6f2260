/** A task's command that its contract does not have waits for reviewers: psql, the CLI, a webhook and the evidence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { custody } from '#test/cli/support.ts';
import { apiAs, reconfigure } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { startReceiver, type TestReceiver } from '#test/support/receiver.ts';
import { framesOf, sessions, verify } from '#test/support/recorded.ts';

const DEVIATING = 'INSERT INTO refunds (order_id, amount) VALUES (1, 5)';
const OUTPUTS = /( +)(orders: \{ of: paid-twice.*\n)/;

interface Waiting {
  readonly id: string;
  readonly state: string;
  readonly deviation?: { readonly session: string; readonly command: { readonly text: string } };
  readonly grant?: { readonly usedBy?: string };
}

describe.skipIf(!hasClient('psql'))(
  'a command that a contract does not have, where the contract asks',
  () => {
    let local: LocalGateway;
    let homes: string;
    let receiver: TestReceiver;
    let run: string;
    beforeAll(async () => {
      local = await startLocalGateway();
      homes = mkdtempSync(join(tmpdir(), 'custody-deviations-'));
      receiver = await startReceiver();
      const secret = `whsec_${Buffer.from('a secret of 24 bytes, or more').toString('base64')}`;
      writeFileSync(join(local.dataDir, 'secrets', 'ops'), secret, { mode: 0o600 });
      const ask = 'onDeviation: { ask: { reviewers: { any: [reviewers] }, wait: 30m } }';
      await reconfigure(local, (text) =>
        text
          .replace(
            'webhooks: []',
            `webhooks: [{ name: ops, url: "${receiver.url}", secretFile: secrets/ops }]`,
          )
          .replace(OUTPUTS, `$1$2          ${ask}\n`)
          .replace('        target: orders-prod\n', '        target: orders-prod\n        runs: 10\n'),
      );
      run = (await apiAs(local, 'developer').post<{ id: string }>('/v1/runs', { workflow: 'refunds' })).id;
    });
    afterAll(async () => {
      await local?.stop();
      await receiver?.close();
      rmSync(homes, { recursive: true, force: true });
    });

    const cli = async (person: Parameters<LocalGateway['token']>[0], ...args: string[]) =>
      custody(args, { env: await local.cliEnvironment(person, join(homes, person)) });

    const asTask = async (sql: string) => {
      const env = libpqEnvironment(local, await local.token('developer'), 'orders-prod');
      const options = `-c custody.run=${run} -c custody.task=find`;
      return startClient('psql', ['-XAtq'], { ...env, PGOPTIONS: options }, sql);
    };

    const pending = (but: readonly string[] = []) =>
      eventually('a request that waits', async () => {
        const path = '/v1/requests?state=pending';
        const { requests } = await apiAs(local, 'reviewer').get<{ requests: Waiting[] }>(path);
        return requests.find(({ id, deviation }) => deviation !== undefined && !but.includes(id));
      });

    const stateOf = (id: string) => apiAs(local, 'developer').get<Waiting>(`/v1/requests/${id}`);

    const count = async (): Promise<string> =>
      (await psql(local, 'SELECT count(*) FROM refunds WHERE order_id = 1')).stdout.trim();

    it('waits; reviewers see command, difference and contract; what they approve runs once, and the next is asked anew', async () => {
      const before = Number(await count());
      const client = await asTask(`${DEVIATING};\n${DEVIATING};\nSELECT 1;\n`);
      const first = await pending();
      const { id } = first;
      expect(first.deviation?.command.text).toBe(`${DEVIATING};`);
      await eventually('psql to hear of it', () =>
        client.said().includes(`request ${id} waits for reviewers`) ? true : undefined,
      );
      expect(client.said()).toContain(`custody approve ${id}`);
      expect(await count()).toBe(String(before));

      const { stdout: shown } = await cli('reviewer', 'requests', id);
      expect(shown).toMatch(/^task +find$/m);
      expect(shown).toMatch(/^deviation +not-in-contract$/m);
      expect(shown).toMatch(/^seen +another command: INSERT INTO refunds/m);
      expect(shown).toContain(`    ${DEVIATING};\n`);
      expect(shown).toContain('what the workflow says:\n    find:\n');
      expect(shown).toContain('SELECT order_id, max(amount) AS amount FROM payments');
      const told = await eventually('the webhook to hear of it', () =>
        receiver.received
          .map(({ body }) => JSON.parse(body) as { data: object })
          .find((news) => JSON.stringify(news).includes(id)),
      );
      expect(told).toMatchObject({
        type: 'access-requested',
        data: {
          request: id,
          deviation: { run, task: 'find', command: { text: `${DEVIATING};`, isWhole: true } },
        },
      });

      expect((await cli('developer', 'approve', id)).stderr).toContain(
        'you may not decide about this request',
      );
      expect((await cli('reviewer', 'approve', id)).stdout).toMatch(/^state +(?:granted|used)$/m);
      const second = await pending([id]);
      expect(await stateOf(id)).toMatchObject({ state: 'used', grant: { usedBy: first.deviation?.session } });
      expect(await count()).toBe(String(before + 1));

      await cli('reviewer', 'deny', second.id, '--comment', 'once is enough');
      const third = await pending([id, second.id]);
      expect(third.deviation?.command.text).toBe('SELECT 1;');
      await cli('reviewer', 'deny', third.id);
      const { stderr } = await client.done;
      expect(stderr).toMatch(/ERROR: .*reviewers denied it: once is enough/);
      expect(await count()).toBe(String(before + 1));

      const session = first.deviation!.session;
      await eventually('the session to be sealed', async () =>
        (await sessions(local)).find((one) => one.id === session && one.outcome !== undefined),
      );
      expect(await verify(local, session)).toMatchObject({ verdict: 'verified', findings: [] });
      const notes = (await framesOf(local, session))
        .filter(({ stream }) => stream === 'note')
        .map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as { note: string });
      expect(notes.filter(({ note }) => note === 'task-deviation')).toMatchObject([
        { how: 'approved', request: id },
        { how: 'denied', request: second.id },
        { how: 'denied', request: third.id },
      ]);
    });

    it('is withdrawn when the client goes, and the gateway asks no more', async () => {
      const client = await asTask(`${DEVIATING};\n`);
      const { id } = await pending();
      const before = await count();
      client.child.kill('SIGKILL');
      await eventually('it to be withdrawn', async () =>
        (await stateOf(id)).state === 'withdrawn' ? true : undefined,
      );
      expect((await cli('reviewer', 'approve', id)).stderr).toContain('it was withdrawn');
      expect(await count()).toBe(before);
    });
  },
);
