import { describe, expect, it } from 'vitest';
import type { News } from '#core/access/news.ts';
import { CustodyError } from '#core/errors.ts';
import type { CallJudge, Verdict } from '#core/protocols/kubernetes/judge.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import { tellingRefusals } from '#proxy/protocols/kubernetes/refusals-told.ts';
import { permissionWith } from '#test/core/protocols/kubernetes/permission.ts';

const POD = callOf('DELETE', '/api/v1/namespaces/dev/pods/web-0');
const refused = (code: 'access-denied' | 'contract-deviation'): Verdict => ({
  kind: 'refused',
  error: new CustodyError(code, 'no'),
});

function told(verdict: Verdict, fails = 0) {
  const news: News[] = [];
  let [now, left] = [Date.parse('2026-01-01'), fails];
  const parts = {
    ...{ session: 's-1', permission: permissionWith({}), task: undefined },
    ...{ claim: () => Promise.resolve(), note: () => undefined, end: () => undefined },
  };
  const tell = (one: News): Promise<void> =>
    (left -= 1) >= 0 ? Promise.reject(new Error('down')) : Promise.resolve(void news.push(one));
  const inner: CallJudge = { judge: () => verdict };
  const judge = tellingRefusals(inner, parts, { stream: { tell }, wallClock: () => new Date(now) });
  return { news, judge, later: (ms: number) => void (now += ms) };
}

describe('refused calls', () => {
  it('are told of by the first, and then once in ten minutes', async () => {
    const { news, judge, later } = told(refused('access-denied'));
    for (let at = 1; at <= 50; at += 1) await judge.judge(POD, at);
    expect(news).toMatchObject([
      {
        ...{ id: 's-1/refused/1', kind: 'calls-refused', alarm: false, session: 's-1', target: 'cluster' },
        ...{ rule: 'devs', requester: { email: 'ada@example.com' }, refused: 1, code: 'access-denied' },
        call: 'delete pods dev/web-0',
      },
    ]);
    later(600_000);
    await judge.judge(POD, 51);
    expect(news.map(({ id }) => id)).toEqual(['s-1/refused/1', 's-1/refused/51']);
  });

  it('are told of when the body was what refused them', async () => {
    const { news, judge } = told({ kind: 'wants-body', most: 1, judge: () => refused('access-denied') });
    const verdict = await judge.judge(POD, 1);
    expect(news).toEqual([]);
    if (verdict.kind === 'wants-body')
      await verdict.judge({ bytes: Buffer.alloc(0), type: undefined, encoding: undefined });
    expect(news).toHaveLength(1);
  });

  it('are told of by the next where nobody could be told', async () => {
    const { news, judge } = told(refused('access-denied'), 1);
    await judge.judge(POD, 1);
    await new Promise((resolve) => setImmediate(resolve));
    await judge.judge(POD, 2);
    expect(news.map(({ id }) => id)).toEqual(['s-1/refused/2']);
  });

  it.each([{ kind: 'passes' } as const, refused('contract-deviation')])(
    'are no others: %j',
    async (verdict) => {
      const { news, judge } = told(verdict);
      await judge.judge(POD, 1);
      expect(news).toEqual([]);
    },
  );
});
