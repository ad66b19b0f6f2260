import { describe, expect, test } from 'vitest';
import { makeSigner, pem, SESSION } from '#test/support/evidence-builder.ts';
import { custody, environment, fakeApi } from './support.ts';

const HIT = {
  session: SESSION,
  protocol: 'postgres',
  target: 'orders-db',
  principal: { issuer: 'https://id.example', subject: 'dev-1', email: 'dana@example.com' },
  startedAt: '2026-11-23T09:00:00.000Z',
  step: 12,
  time: '2026-11-23T09:00:07.250Z',
  at: 7_250_000,
  matched: [{ field: 'text', excerpt: 'select \u001b[31mred\n  from orders' }],
};

async function gateway(pending = 0) {
  const api = await fakeApi(pem(makeSigner()).toString());
  const behind = { count: pending, sessions: [] };
  const searchedSince = pending > 0 ? '2026-10-26T00:00:00.000Z' : undefined;
  api.answers.set('/v1/search', { hits: [HIT], next: `${SESSION}/12`, searchedSince, pending: behind });
  return { api, env: environment(api) };
}

describe('search', () => {
  test('security case 18: is a line for each hit, on which no terminal acts', async () => {
    const { env } = await gateway();
    const { stdout, stderr } = await custody(['search', 'red', '--limit', '1'], { env });
    expect(stdout).toBe(
      [
        'SESSION                               STEP  TIME                  WHO               TARGET     FOUND',
        `${SESSION}  12    2026-11-23T09:00:07Z  dana@example.com  orders-db  select \\x1b[31mred from orders`,
        '',
      ].join('\n'),
    );
    expect(stderr).toContain(`--cursor ${SESSION}/12`);
    const json = await custody(['search', 'red', '--limit', '1', '--json'], { env });
    expect(json.stdout).not.toContain('\u001b');
    expect(JSON.parse(json.stdout)).toEqual({ hits: [HIT], next: `${SESSION}/12` });
  });

  test('asks for all that was given', async () => {
    const { api, env } = await gateway();
    const args = ['--person', 'dana', '--table', 'a.b:written', '--errors', '--since', '2026-11-01'];
    await custody(['search', 'one', 'two "three', ...args, '--limit', '1', '--cursor', `${SESSION}/3`], {
      env,
    });
    const asked = new URL(api.requests.at(-1)!.path, api.url);
    expect(Object.fromEntries(asked.searchParams)).toEqual({
      ...{ person: 'dana', relation: 'a.b:written', errors: 'true', since: '2026-11-01T00:00:00.000Z' },
      ...{ text: 'one "two  three"', limit: '1', cursor: `${SESSION}/3` },
    });
  });

  test('--open shows the whole step of a hit, and says that it was found', async () => {
    const { api, env } = await gateway();
    const second = { ...HIT, step: 40 };
    api.answers.set('/v1/search', { hits: [HIT, second], pending: { count: 0, sessions: [] } });
    const total = { steps: 41, errors: 0, writes: 0, until: 9_000_000 };
    const step = { number: 40, marks: [], kind: 'end', at: 9_000_000, took: 0, reason: 'client-closed' };
    api.answers.set(`/v1/sessions/${SESSION}/steps`, {
      ...{ session: SESSION, protocol: 'postgres', verdict: 'verified', findings: [], total, steps: [step] },
    });
    const { stdout, stderr, code } = await custody(['search', 'red', '--open', '2', '--json'], { env });
    expect(stderr).not.toContain('custody:');
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { session: SESSION, number: 40, kind: 'end' }]);
    expect(api.requests.at(-1)!.path).toMatch(/steps\?(?=.*from=40)(?=.*limit=1)(?=.*search=true)/);
    const none = await custody(['search', 'red', '--open', '3'], { env });
    expect(none.stderr).toContain('there are 2 hits, and not 3');
    const both = await custody(['search', 'red', '--open', '1', '--sessions'], { env });
    expect(both.code).toBeGreaterThan(0);
  });

  test('says what was not looked at', async () => {
    const { env } = await gateway(3);
    const { stderr } = await custody(['search', 'x', '--limit', '1'], { env });
    expect(stderr).toContain('3 sessions not looked at');
    expect(stderr).toContain(
      'sessions that began before 2026-10-26T00:00:00.000Z were not looked at; --since',
    );
  });

  test.each([[[]], [['--cursor', '../x', 'y']], [['--outcome', 'well']], [['--deep']]])(
    '%j is refused before anything is asked',
    async (args) => {
      const { api, env } = await gateway();
      const ran = await custody(['search', ...args], { env });
      expect(ran.code).toBeGreaterThan(0);
      expect(api.requests.filter(({ path }) => path.startsWith('/v1/se'))).toEqual([]);
    },
  );
});
