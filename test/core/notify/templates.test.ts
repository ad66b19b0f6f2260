import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AccessNews,
  type News,
  newsKinds,
  policyNews,
  refusedNews,
  waitNews,
} from '#core/access/news.ts';
import { signatureHeader } from '#core/notify/sign.ts';
import { render } from '#core/notify/templates.ts';
import { newsItem, REVIEWER } from '#test/support/news.ts';

interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly { readonly text: { readonly text: string } }[];
}

function slack(news: News): SlackMessage {
  return JSON.parse(render('slack', news)) as SlackMessage;
}

/** All that are about access. */
const accessKinds = newsKinds.filter(
  (kind): kind is AccessNews['kind'] =>
    !['policy-changed', 'run-deviated', 'task-ended', 'session-waits', 'calls-refused'].includes(kind),
);
const ID = '0198c0de-0000-7000-8000-000000000001';
const RUN = '0198c0de-0000-7000-8000-0000000000aa';
const DEVIATED: News = {
  id: `${RUN}/2`,
  kind: 'run-deviated',
  at: '2026-03-01T12:00:00.000Z',
  alarm: false,
  run: RUN,
  workflow: 'refunds',
  task: 'refund',
  session: '0198c0de-0000-7000-8000-0000000000bb',
  startedBy: REVIEWER,
  deviation: 'origin',
  how: 'stopped',
};
const { deviation: _deviation, how: _how, ...OF_RUN } = DEVIATED;
const ENDED: News = { ...OF_RUN, id: `${RUN}/3`, kind: 'task-ended', verdict: 'deviated' };
const WAITS = waitNews(
  { session: ID, target: 'vault', rule: 'watched', groups: ['reviewers', 'leads'], requester: REVIEWER },
  new Date('2026-03-01T12:00:00Z'),
  new Date('2026-03-01T12:02:00Z'),
);
const REFUSED = refusedNews(
  {
    ...{ session: ID, target: 'cluster', rule: 'devs', requester: REVIEWER },
    ...{ call: `delete pods prod/${'x'.repeat(2_000)}`, code: 'access-denied', refused: 3 },
  },
  new Date('2026-03-01T12:00:00Z'),
);
const CHANGED = policyNews('5f'.repeat(32), new Date('2026-03-01T12:00:00Z'));

function lines(more: Partial<AccessNews> = {}): string[] {
  return slack(newsItem(1, more)).text.split('\n');
}

describe('a JSON notification', () => {
  it('has type, time and data, as Standard Webhooks recommends', () => {
    const news = newsItem(1, { kind: 'access-granted', until: '2026-03-01T13:30:00.000Z', statements: 2 });
    expect(JSON.parse(render('json', news))).toEqual({
      type: 'access-granted',
      timestamp: '2026-03-01T12:00:00.000Z',
      data: news,
    });
  });
});

describe('the link to what it is about', () => {
  const session = '/sessions/0198c0de-0000-7000-8000-000000000001';
  it.each([
    ['a request', newsItem(1), `/requests/${newsItem(1).request}`],
    ['broken glass', newsItem(1, { kind: 'break-glass' }), `/requests/${newsItem(1).request}`],
    ['a run', DEVIATED, `/runs/${RUN}`],
    ['a task', ENDED, `/runs/${RUN}`],
    ['a session that waits', WAITS, session],
    ['calls that were refused', REFUSED, session],
    ['another configuration', CHANGED, '/gateway'],
  ])('of %s is in both formats, where it is known where the console is', (_, news, path) => {
    const url = `https://custody.example.com${path}`;
    const json = JSON.parse(render('json', news, 'https://custody.example.com')) as object;
    expect(json).toMatchObject({ data: { ...news, url } });
    const message = JSON.parse(render('slack', news, 'https://custody.example.com')) as SlackMessage;
    expect(message.text.split('\n').at(-1)).toBe(`<${url}|Open in Custody>`);
    expect(message.blocks[0]!.text.text).toBe(message.text);
    expect(render('slack', news)).not.toContain('Open in Custody');
    expect(render('json', news)).not.toContain('url');
  });
});

describe('a Slack notification', () => {
  it('of a request says who, what, why, for how long, and how to approve it', () => {
    expect(lines()).toEqual([
      '*Access requested*',
      '`dana@example.com` on `orders-db`',
      '*How long:* 1 h 30 min',
      '*Reason:* `order 4711 is stuck`',
      '*Ticket:* `OPS-12`',
      '*Rule:* `developers-on-request`',
      `*Request:* \`${ID}\``,
      `*To approve:* \`custody approve ${ID}\``,
    ]);
  });

  it('of an agent says who acts, for whom, and by whose word, each name by itself', () => {
    const actors = [
      { issuer: 'https://ci.example', subject: 'agent-7` for `rob' },
      { issuer: 'https://id.example', subject: 'planner' },
    ];
    const requester = { ...newsItem(1).requester, actors };
    const told = lines({ requester, by: requester });
    expect(told[1]).toBe("`agent-7' for 'rob` for `dana@example.com` on `orders-db`");
    expect(told).toContain("*Actor:* `agent-7' for 'rob` of `https://ci.example`");
    expect(told.some((line) => line.startsWith('*By:*'))).toBe(false);
    expect(lines({ requester, by: newsItem(1).requester })).toContain('*By:* `dana@example.com`');
    const data = { data: { requester: { actors } } };
    expect(JSON.parse(render('json', newsItem(1, { requester })))).toMatchObject(data);
  });

  const WAITING: AccessNews['deviation'] = {
    ...{ run: RUN, workflow: 'refunds', workflowDigest: 'c'.repeat(64), task: 'refund', session: RUN },
    ...{
      kind: 'origin',
      of: 'give',
      expected: 'a value from find.ids',
      seen: 'another value',
      isAnswer: false,
    },
    command: { sha256: 'e'.repeat(64), text: 'UPDATE refunds\nSET paid = true', isWhole: true },
  };

  it('of a command that waits says the command, the difference, and how to approve it', () => {
    const {
      reason: _reason,
      ticket: _ticket,
      ...news
    } = newsItem(1, { deviation: WAITING, durationMs: 120_000 });
    expect(slack(news).text.split('\n')).toEqual([
      '*Outside its contract: a task waits for a decision*',
      '`dana@example.com` on `orders-db`',
      '*How long:* 2 min',
      '*Task:* `refunds/refund`',
      `*Run:* \`${RUN}\``,
      '*It would run:* `UPDATE refunds SET paid = true`',
      '*Seen:* `another value`',
      '*The contract has:* `a value from find.ids`',
      '*Rule:* `developers-on-request`',
      `*Request:* \`${ID}\``,
      `*To approve:* \`custody approve ${ID}\``,
    ]);
    expect(JSON.parse(render('json', news))).toMatchObject({ data: { deviation: WAITING } });
    const partly = { ...WAITING, isAnswer: true, command: { ...WAITING.command, isWhole: false } };
    expect(lines({ deviation: partly })).toContain('*It has run:* `UPDATE refunds SET paid = true…`');
    for (const kind of ['access-granted', 'access-used', 'access-denied'] as const)
      expect(lines({ deviation: WAITING, kind })[0]).toMatch(/^\*Outside its contract, and /);
  });

  it('of a grant for a run says so', () => {
    const run = { id: RUN, workflow: 'refunds', workflowDigest: 'c'.repeat(64) };
    expect(lines({ run })).toEqual(expect.arrayContaining(['*Only as:* `refunds`', `*Run:* \`${RUN}\``]));
    expect(lines({ run: { ...run, task: 'refund' } })).toContain('*Only as:* `refunds/refund`');
  });

  it('of a decision says who decided and what they say', () => {
    const told = lines({ kind: 'access-denied', by: REVIEWER, comment: 'not today' });
    expect(told[0]).toBe('*Access denied*');
    expect(told).toContain('*By:* `rob@example.com`');
    expect(told).toContain('*Comment:* `not today`');
    expect(told.join()).not.toContain('custody approve');
  });

  it('of a grant says until when, and what it is bound to', () => {
    const told = lines({ kind: 'access-granted', until: '2026-03-01T13:30:00.000Z', statements: 2 });
    expect(told).toContain('*How long:* 1 h 30 min, until `2026-03-01T13:30:00.000Z`');
    expect(told).toContain('*Only for:* 2 commands');
    expect(lines({ statements: 1 })).toContain('*Only for:* one command');
  });

  it('names who has no address by their subject', () => {
    expect(lines({ requester: { issuer: 'https://id.example', subject: 'ci-bot' } })[1]).toBe(
      '`ci-bot` on `orders-db`',
    );
  });

  it.each([
    [0, '0 s'],
    [1, '1 s'],
    [90_000, '1 min 30 s'],
    [3_600_000, '1 h'],
    [604_800_000 + 61_000, '7 d 1 min 1 s'],
  ])('says %d ms in words', (durationMs, words) => {
    expect(lines({ durationMs })).toContain(`*How long:* ${words}`);
  });

  it.each([
    ['break-glass', 'Glass broken: access without approval'],
    ['access-granted', 'Access granted by broken glass'],
    ['break-glass-reviewed', 'Broken glass found unjustified'],
  ] as const)('of an alarm (%s) stands out', (kind, title) => {
    expect(lines({ kind, alarm: true })[0]).toBe(`:rotating_light: *ALARM: ${title}* :rotating_light:`);
    expect(lines({ kind })[0]).not.toContain('ALARM');
  });

  it('has words of its own for every kind', () => {
    const others = [CHANGED, DEVIATED, ENDED, WAITS, REFUSED].map((news) => slack(news).text.split('\n')[0]);
    const titles = [...accessKinds.map((kind) => lines({ kind })[0]), ...others];
    expect(new Set(titles).size).toBe(newsKinds.length);
  });

  it('of a run says which task, what left its contract, and what became of it', () => {
    expect(slack(DEVIATED).text.split('\n')).toEqual([
      '*A task left its contract*',
      `\`refunds/refund\`, started by \`${REVIEWER.email}\``,
      '*Deviation:* `origin`, `stopped`',
      `*Run:* \`${RUN}\``,
      '*Session:* `0198c0de-0000-7000-8000-0000000000bb`',
    ]);
    expect(slack(ENDED).text).toContain('*Verdict:* `deviated`');
  });

  it('of a changed configuration names its version', () => {
    expect(slack(WAITS).text.split('\n').slice(2)).toEqual([
      '*Somebody of:* `reviewers, leads`',
      '*Waits until:* `2026-03-01T12:02:00.000Z`',
      '*Rule:* `watched`',
      `*To watch:* \`custody watch ${ID}\``,
    ]);
    expect(slack(CHANGED).text.split('\n')).toEqual([
      '*custody.yaml has changed: who may reach what is another now*',
      `*Version:* \`${'5f'.repeat(32)}\``,
    ]);
    // A secret signs it: its id has nothing that a signature cannot have.
    const key = new Uint8Array(24);
    expect(signatureHeader(key, CHANGED.id, new Date(CHANGED.at), '{}')).toHaveProperty('webhook-signature');
    expect(JSON.parse(render('json', CHANGED))).toMatchObject({
      type: 'policy-changed',
      timestamp: '2026-03-01T12:00:00.000Z',
      data: { policy: '5f'.repeat(32), alarm: false },
    });
  });

  it('makes no links: of what is given, and of what Slack would find in it', () => {
    const message = slack(newsItem(1, { reason: 'see https://evil.example' }));
    expect(message).toMatchObject({
      blocks: [{ type: 'section', text: { type: 'mrkdwn', verbatim: true } }],
      unfurl_links: false,
      unfurl_media: false,
    });
    expect(message.text).toContain('`see https://evil.example`');
  });

  it('fits into a block, mentions nobody and keeps its lines, whatever it is about (security case 19)', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '<!channel>',
        '<@U1>',
        '<https://x|y>',
        '`',
        '\n',
        '&',
        '&<>'.repeat(2000),
        '🔑'.repeat(4000),
      ),
    );
    const account = { issuer: hostile, subject: hostile };
    const actors = fc.array(fc.record(account), { minLength: 1, maxLength: 5 });
    const person = fc.record(
      { ...account, email: hostile, actors },
      { requiredKeys: ['issuer', 'subject', 'email'] },
    );
    const of = { workflow: hostile, workflowDigest: hostile, task: hostile };
    const command = fc.record({ sha256: hostile, text: hostile, isWhole: fc.boolean() });
    const kind = fc.constantFrom('value' as const, 'origin' as const, 'unreadable' as const);
    const difference = { kind, of: hostile, expected: hostile, seen: hostile, isAnswer: fc.boolean() };
    const told = fc.record({ run: hostile, ...of, session: hostile, command, ...difference });
    const run = fc.record({ id: hostile, ...of });
    const optional = { reason: hostile, ticket: hostile, comment: hostile, by: person, statements: fc.nat() };
    const more = fc.record(
      {
        ...optional,
        run,
        deviation: told,
        requester: person,
        target: hostile,
        rule: hostile,
        request: hostile,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(more, fc.constantFrom(...accessKinds), fc.boolean(), (given, kind, alarm) => {
        const { text, blocks } = slack(newsItem(1, { ...given, kind, alarm }));
        expect(text.length).toBeLessThanOrEqual(3000);
        expect(blocks[0]!.text.text).toBe(text);
        expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
        for (const line of text.split('\n')) expect(line).toMatch(/^(?::rotating_light: )?\*|^`/);
        expect(text.split('\n').length).toBeLessThanOrEqual(18);
      }),
      { numRuns: 300 },
    );
  });
});
