import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { eventually } from '#test/support/clients.ts';
import { ConsoleBrowser, faultsOfLooks, type Visitor } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { newsItem } from '#test/support/news.ts';

const HOOK = 'webhooks: []';
/** Of the demo's rules the one that is made to need a grant here. */
const SANDBOXES = `  - name: sandboxes
    groups: [developers, auditors]
    targets: [sandbox-db]
    allow: [connect]
`;

describe.runIf(hasChromium())('the state of the gateway', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    write((yaml) =>
      yaml.replace(
        SANDBOXES,
        `${SANDBOXES}    approval: { reviewers: { any: [reviewers] }, maxDuration: 1h }\n`,
      ),
    );
    await eventually('the rule to be in force', async () => {
      const query = '/v1/explanation?action=connect&target=sandbox-db';
      const headers = { authorization: `Bearer ${await gateway.token('developer')}` };
      const answer = await fetch(gateway.addresses.api + query, { headers });
      return ((await answer.json()) as { verdict: string }).verdict === 'requestable' || undefined;
    });
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
    await receiver?.stop();
  });

  const write = (change: (yaml: string) => string): void => {
    const { config } = gateway.addresses;
    writeFileSync(config, change(readFileSync(config, 'utf8')));
  };

  test('tells who administers that all is well, and its numbers; everybody else that it is not for them', async () => {
    const pat = await browser.visitor('admin');
    await pat.open('/gateway');
    await pat.page.getByText('All is well').waitFor();
    await pat.page.locator('.task-states .badge', { hasText: 'alive' }).waitFor();
    await pat.page.locator('summary', { hasText: 'rules' }).click();
    await pat.page.getByRole('cell', { name: 'developers-ask', exact: true }).waitFor();
    const said = await pat.page.locator('main').innerText();
    expect(said).toContain('2 of reviewers');
    expect(said).not.toMatch(/passwordFile|secrets\//);
    await looksRight(pat);
    await pat.close();
    const dana = await browser.visitor('developer');
    await dana.open('/gateway');
    await dana.page.getByText('for who administers it').waitFor();
    const text = await dana.page.locator('main').innerText();
    expect(text).toContain('developers');
    expect(text).not.toContain('platform');
    expect(dana.complaints).toEqual([]);
    await dana.close();
  });

  test('shows first that a newer custody.yaml is refused, with its problem and the line, until it is mended', async () => {
    const pat = await browser.visitor('admin');
    await pat.open('/gateway');
    await pat.page.getByText('All is well').waitFor();
    write((yaml) => yaml.replace('targets: [orders-prod]', 'targets: [orders-prodd]'));
    const line = readFileSync(gateway.addresses.config, 'utf8')
      .split('\n')
      .findIndex((text) => text.includes('orders-prodd'));
    await pat.page.locator('.finding.bad', { hasText: 'A newer custody.yaml is refused' }).waitFor();
    const problem = await pat.page.locator('.config-refused pre').innerText();
    expect(problem).toContain(`custody.yaml:${line + 1}:`);
    expect(problem).toContain('no target is named "orders-prodd"');
    await looksRight(pat);
    write((yaml) => yaml.replace('orders-prodd', 'orders-prod'));
    await pat.page.getByText('All is well').waitFor();
    await pat.close();
  });

  test('lists what a webhook did not take, and tells it again', async () => {
    const deliveries = localDeliveries(gateway.dataDir);
    const news = newsItem(1, { reason: 'x' });
    await deliveries.add(news, ['chat']);
    const at = new Date();
    await deliveries.take({ now: at, until: new Date(at.getTime() + 60_000), limit: 9, except: [] });
    await deliveries.failed(`chat/${news.id}`, { dead: true }, 'it answered 503');
    deliveries.close();
    const pat = await browser.visitor('admin');
    await pat.open('/gateway');
    await pat.page.locator('.finding.warn', { hasText: '1 dead letter' }).waitFor();
    await pat.page.getByText('it answered 503').waitFor();
    await looksRight(pat);
    write((yaml) =>
      yaml.replace(
        /^webhooks: \[\].*$/m,
        `webhooks: [{ name: chat, url: '${receiver.url}', format: slack }]`,
      ),
    );
    await pat.page.getByRole('button', { name: /^Try again: chat/ }).click();
    await pat.page.getByText('Every webhook took what it was told.').waitFor();
    await receiver.told;
    write((yaml) => yaml.replace(/^webhooks: .*$/m, HOOK));
    await pat.close();
  });

  test('counts tokens that are refused, by reason and by whose they say they are', async () => {
    const claims = { iss: gateway.addresses.issuer, sub: 'dev-1' };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const authorization = `Bearer ${part({ alg: 'RS256', kid: 'x' })}.${part(claims)}.AAAA`;
    for (let n = 0; n < 3; n += 1)
      expect((await fetch(`${gateway.addresses.api}/v1/whoami`, { headers: { authorization } })).status).toBe(
        401,
      );
    const pat = await browser.visitor('admin');
    await pat.open('/gateway');
    const row = pat.page.locator('#refused tr', { hasText: 'token-invalid' });
    await row.waitFor();
    expect(await row.innerText()).toContain('people');
    await pat.close();
  });

  test('explains to who administers why dana may not, rule by rule, and the address carries the question', async () => {
    const pat = await browser.visitor('admin');
    await pat.open('/gateway/explain');
    await pat.page.getByLabel('Target', { exact: true }).fill('sandbox-db');
    await pat.page.getByLabel('E-mail address or subject').fill('dana@example.com');
    await pat.page.getByLabel('Groups, commas between').fill('developers');
    await pat.page.getByRole('button', { name: 'Explain' }).click();
    await pat.page.locator('.explained.warn').waitFor();
    const address = new URL(pat.page.url());
    expect(address.search).toBe('?action=connect&target=sandbox-db&as=dana%40example.com&groups=developers');
    const rule = pat.page.locator('.explained-rules li.card', { hasText: 'sandboxes' });
    expect(await rule.innerText()).toContain('It needs a grant');
    await looksRight(pat);
    const other = await browser.visitor('admin');
    await other.open(address.pathname + address.search);
    await other.page.locator('.explained.warn').waitFor();
    expect(await other.page.getByLabel('E-mail address or subject').inputValue()).toBe('dana@example.com');
    await pat.close();
    await other.close();
  });

  test('explains to dana about herself alone, and leads to asking', async () => {
    const dana = await browser.visitor('developer');
    await dana.open('/gateway/explain?action=connect&target=sandbox-db');
    await dana.page.locator('.explained.warn').waitFor();
    expect(await dana.page.getByLabel('E-mail address or subject').count()).toBe(0);
    expect(await dana.page.locator('.explained-rules').count()).toBe(0);
    const ask = dana.page.getByRole('link', { name: 'Ask for access' });
    expect(await ask.getAttribute('href')).toBe('/ask?target=sandbox-db');
    await dana.open('/gateway/explain?action=connect&target=orders-prod&as=rui%40example.com');
    await dana.page.locator('.failure', { hasText: 'access-denied' }).waitFor();
    await dana.close();
  });

  async function looksRight({ page, complaints, origins }: Visitor): Promise<void> {
    expect(await faultsOfLooks(page)).toEqual([]);
    expect(complaints).toEqual([]);
    const own = [gateway.addresses.api, gateway.addresses.issuer].map((url) => new URL(url).origin);
    expect([...origins].filter((origin) => !own.includes(origin))).toEqual([]);
  }
});

interface Receiver {
  readonly url: string;
  /** Resolves when something was posted. */
  readonly told: Promise<void>;
  stop(): Promise<void>;
}

async function startReceiver(): Promise<Receiver> {
  const told = Promise.withResolvers<void>();
  const server: Server = createServer((request, response) => {
    request.resume();
    response.writeHead(200).end('ok');
    told.resolve();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    told: told.promise,
    stop: async () => void server.close(),
  };
}
