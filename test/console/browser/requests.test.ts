/** Asking for access and deciding about it, by three people with a browser each, and psql. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apiAs, connected, granted, reconfigure, type SeenRequest } from '#test/support/access-story.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { eventually, hasClient, libpqEnvironment, startClient } from '#test/support/clients.ts';
import { ConsoleBrowser, SCREENS, type Visitor } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const ASK = { target: 'orders-prod', reason: 'an order is stuck' };
const THUMB = 44;

interface SeenSessions {
  readonly sessions: readonly { readonly grant?: string; readonly outcome?: object }[];
}

describe.runIf(hasChromium() && hasClient('psql'))('requests', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  const people: Visitor[] = [];
  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
  });

  /** Nothing is open that a test before left, and nobody looks. */
  beforeEach(async () => {
    await Promise.all(people.splice(0).map((person) => person.close()));
    const dana = apiAs(gateway, 'developer');
    const { requests } = await dana.get<{ requests: SeenRequest[] }>('/v1/requests?open=true');
    for (const { id, state } of requests) {
      if (/^(?:pending|granted|used)$/.test(state)) await dana.post(`/v1/requests/${id}/return`);
    }
  });

  const visit: ConsoleBrowser['visitor'] = async (...how) => {
    const visitor = await browser.visitor(...how);
    people.push(visitor);
    return visitor;
  };
  const asked = (more: object = {}) =>
    apiAs(gateway, 'developer').post<SeenRequest>('/v1/requests', { ...ASK, ...more });
  const requestOf = (id: string) =>
    apiAs(gateway, 'developer').get<SeenRequest & { decisions: { comment?: string }[] }>(
      `/v1/requests/${id}`,
    );
  const stateOn = ({ page }: Visitor) => page.locator('.request-state');
  const sees = (visitor: Visitor, state: string) => stateOn(visitor).filter({ hasText: state }).waitFor();
  const press = ({ page }: Visitor, name: string) =>
    page.locator('.action-bar').getByRole('button', { name }).click();
  const confirm = ({ page }: Visitor, name: string) =>
    page.getByRole('dialog').getByRole('button', { name }).click();

  test('the story: asked once, approved on two screens, used by psql, revoked', async () => {
    const rui = await visit('reviewer');
    await rui.open('/requests');
    await rui.page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor();

    const dana = await visit('developer');
    await dana.open('/ask?target=orders-prod');
    const { page } = dana;
    await page.getByText('You have to ask').waitFor();
    await page.getByText('2 people of reviewers').waitFor();
    await page.getByText('A request that nobody has decided after 8 h has expired.').waitFor();
    const send = page.getByRole('button', { name: 'Ask for access' });
    await send.click();
    await page.getByText('Something is missing: Say why.').waitFor();
    await page.getByLabel('Reason').fill(ASK.reason);
    await page.getByLabel('Ticket').fill('OPS-7');
    await page.getByRole('button', { name: '15 min' }).click();
    const asks = counted(dana, /\/v1\/requests$/);
    await send.dblclick();
    await sees(dana, 'Waits for reviewers');
    expect(asks.count).toBe(1);
    const id = page.url().split('/').at(-1)!;

    const row = rui.page.getByRole('link', { name: 'dana@example.com → orders-prod' }).first();
    await row.waitFor();
    await rui.page.locator('[role=status]', { hasText: 'One new request' }).waitFor({ state: 'attached' });
    await expect.poll(() => rui.page.title()).toBe('(1) Requests · Custody');
    await row.click();
    await sees(rui, '0 of 2 approvals');
    expect(new URL(rui.page.url()).pathname).toBe(`/requests/${id}`);
    await rui.page.keyboard.press('a');
    expect(await rui.page.getByLabel('Comment').evaluate((box) => box.matches(':focus'))).toBe(true);
    await rui.page.keyboard.type('go on');
    await rui.page.keyboard.press('Control+Enter');
    await sees(rui, '1 of 2 approvals');
    expect(await rui.page.locator('.action-bar').count()).toBe(0);
    await rui.page.getByText('You have decided; somebody else has to.').waitFor();

    const sam = await visit('reviewer-2', { screen: SCREENS.phone, hasTouch: true });
    await sam.open(`/requests/${id}`);
    await sees(sam, '1 of 2 approvals');
    await sam.page.getByText('go on').waitFor();
    const approve = sam.page.locator('.action-bar').getByRole('button', { name: 'Approve' });
    expect(await isInReach(sam, approve)).toBe(true);
    await approve.tap();
    const sure = sam.page.getByRole('dialog').getByRole('button', { name: 'Approve' });
    expect((await sure.boundingBox())!.height).toBeGreaterThanOrEqual(THUMB);
    const decisions = counted(sam, /\/decisions$/);
    await sure.evaluate((button) => {
      const pressed = button as unknown as { click(): void };
      pressed.click();
      pressed.click();
    });
    await sees(sam, 'Granted');
    expect(decisions.count).toBe(1);
    expect((await requestOf(id)).decisions).toHaveLength(2);

    await sees(dana, 'Granted');
    await page.getByText('custody connect orders-prod -- psql', { exact: true }).waitFor();
    const env = libpqEnvironment(gateway, await gateway.token('developer'), 'orders-prod');
    const client = startClient('psql', ['-XAtc', 'select pg_sleep(60)'], env);
    await page.locator('.session-line', { hasText: 'live' }).waitFor();

    await press(rui, 'Revoke');
    await rui.page.getByLabel('Comment').fill('enough');
    await confirm(rui, 'Revoke');
    await sees(rui, 'Revoked');
    expect((await client.done).stderr).toContain('the access was revoked by a reviewer');
    await sees(dana, 'Revoked');
    await page.getByText('enough').waitFor();
    await page.locator('.session-line', { hasText: 'revoked after' }).waitFor();
    expect(await page.getByText('What to run now').count()).toBe(0);
    expect([dana.complaints, rui.complaints, sam.complaints]).toEqual([[], [], []]);
    const { api, issuer } = gateway.addresses;
    expect([...dana.origins].sort()).toEqual([api, issuer].map((url) => new URL(url).origin).sort());
  });

  test('what has changed since it was looked at is shown, and decided about anew', async () => {
    const { id } = await asked();
    const sam = await visit('reviewer-2');
    await sam.open(`/requests/${id}`);
    await press(sam, 'Approve');
    await sam.page.getByLabel('Comment').fill('mine');
    await apiAs(gateway, 'reviewer').post(`/v1/requests/${id}/decisions`, { decision: 'approved' });
    await confirm(sam, 'Approve');
    const news = sam.page.getByRole('dialog').getByRole('alert');
    await news.getByText('It has changed since you looked.').waitFor();
    await news.getByText('rui@example.com approved it.').waitFor();
    expect((await requestOf(id)).decisions).toHaveLength(1);
    expect(await sam.page.getByLabel('Comment').inputValue()).toBe('mine');
    await confirm(sam, 'Approve');
    await sees(sam, 'Granted');
    expect((await requestOf(id)).decisions[1]!.comment).toBe('mine');
    expect(sam.complaints.filter((line) => !line.includes('412'))).toEqual([]);

    const other = await asked();
    await sam.page.goto('about:blank');
    await sam.open(`/requests/${other.id}`);
    await press(sam, 'Approve');
    await apiAs(gateway, 'developer').post(`/v1/requests/${other.id}/return`);
    await confirm(sam, 'Approve');
    await sam.page.getByText('There is nothing to decide any more.').waitFor();
    expect((await requestOf(other.id)).state).toBe('withdrawn');
  });

  test('a denial has a comment, which who asked reads; their own they withdraw', async () => {
    const [first, second] = [await asked(), await asked()];
    const dana = await visit('developer');
    await dana.open(`/requests/${first.id}`);
    await sees(dana, 'Waits for reviewers');
    expect(await dana.page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await dana.page.keyboard.press('a');
    const rui = await visit('reviewer');
    await rui.open(`/requests/${first.id}`);
    await sees(rui, 'Waits for reviewers');
    await rui.page.keyboard.press('d');
    await rui.page.getByRole('dialog', { name: 'Deny this request?' }).waitFor();
    await rui.page.keyboard.type('say what for');
    await confirm(rui, 'Deny');
    await sees(rui, 'Denied');
    await sees(dana, 'Denied');
    await dana.page.getByText('say what for').waitFor();
    expect(await dana.page.getByRole('dialog').count()).toBe(0);

    await dana.page.getByRole('link', { name: 'Requests' }).first().click();
    await dana.page.locator(`a[href="/requests/${second.id}"]`).click();
    await press(dana, 'Withdraw');
    await confirm(dana, 'Withdraw');
    await sees(dana, 'Withdrawn');
    expect((await requestOf(second.id)).state).toBe('withdrawn');
  });

  test('text of others stays text: script, direction, escapes (security case 18)', async () => {
    const hostile = `<script>alert(1)</script><img src=x onerror="alert(2)">`;
    const statements = [`select '${hostile}'`, 'select \u202e1 /* \u001b]0;x\u0007 \u200b */'];
    const { id } = await asked({ reason: hostile, ticket: '<b>T</b>', statements });
    const rui = await visit('reviewer');
    await rui.open('/requests');
    await rui.page.getByText(hostile).waitFor();
    await rui.page.locator(`a[href="/requests/${id}"]`).click();
    await rui.page.locator('.asked-reason', { hasText: hostile }).waitFor();
    const commands = rui.page.locator('.statements li');
    await commands.locator('.sql-keyword').first().waitFor();
    expect(await commands.nth(0).locator('pre').innerText()).toBe(statements[0]);
    expect(await commands.nth(1).locator('pre').innerText()).toBe(
      String.raw`select \u202e1 /* \x1b]0;x\x07 \u200b */`,
    );
    expect(await commands.getByText('Hidden characters').count()).toBe(1);
    expect(await rui.page.locator('main').locator('script, img, b, iframe').count()).toBe(0);
    expect(rui.complaints).toEqual([]);
  });

  test('a broken glass opens at once, alarms, and is reviewed by somebody else', async () => {
    const dana = await visit('developer');
    await dana.open('/ask?target=orders-prod&rule=emergency');
    await dana.page.getByText('For emergencies alone.').waitFor();
    await dana.page.getByLabel('Reason').fill('checkout is down');
    await dana.page.getByRole('button', { name: 'Break the glass' }).click();
    await dana.page.getByText('Something is missing: Confirm it.').waitFor();
    await dana.page.getByLabel('It is an emergency').check();
    await dana.page.getByRole('button', { name: 'Break the glass' }).click();
    await sees(dana, 'Granted');
    await dana.page.getByText('The glass was broken.').waitFor();
    await dana.page.getByText('custody connect orders-prod -- psql', { exact: true }).waitFor();
    const id = dana.page.url().split('/').at(-1)!;

    const rui = await visit('reviewer', { screen: SCREENS.phone });
    await rui.open('/requests');
    const section = rui.page.locator('section', { hasText: 'Broken glass to review' });
    await section.locator(`a[href="/requests/${id}"]`).click();
    await rui.page.getByText('Nobody has reviewed yet what was done.').waitFor();
    await press(rui, 'Unjustified');
    await rui.page.getByLabel('Comment').fill('the queue was slow, no more');
    await confirm(rui, 'Unjustified');
    await rui.page.getByText('Reviewed: unjustified').waitFor();
    await dana.page.getByText('the queue was slow, no more').waitFor();
    expect(await rui.page.locator('.action-bar').innerText()).toBe('Revoke');
    expect([dana.complaints, rui.complaints]).toEqual([[], []]);
  });

  test('a reviewer sees what came of earlier grants, and is told where they may not look', async () => {
    const before = await granted(gateway, { reason: 'the time before' });
    const { client, gone } = await connected(gateway);
    await client.query('select count(*) from orders');
    await client.end();
    await gone;
    await eventually('the end of the session', async () => {
      const { sessions } = await apiAs(gateway, 'developer').get<SeenSessions>('/v1/sessions');
      return sessions.some(({ grant, outcome }) => grant === before.id && outcome) || undefined;
    });
    await apiAs(gateway, 'developer').post(`/v1/grants/${before.id}/return`);
    const { id } = await asked();
    const rui = await visit('reviewer');
    await rui.open(`/requests/${id}`);
    const earlier = rui.page.locator('.earlier-request', { hasText: 'the time before' });
    await earlier.getByText('Given back').waitFor();
    await earlier.getByText('client closed after').waitFor();
    await earlier.getByText('What was done in it').click();
    await earlier.getByText('You may know of this session, and not look into it').waitFor();

    const dana = await visit('developer');
    await dana.open(`/requests/${before.id}`);
    // Earlier requests have sessions as well.
    const own = dana.page.locator('section', { hasText: 'Sessions of this grant' });
    await eventually('the summary', async () => {
      await own.locator('.session-line summary').click();
      const lines = own.locator('.summary-lines li');
      const failure = own.locator('.session-line .failure');
      await lines.or(failure).first().waitFor();
      if ((await lines.count()) > 0) return true;
      await own.locator('.session-line summary').click();
      return undefined;
    });
    expect(await own.locator('.summary-lines').innerText()).toContain('orders');
  });

  test('a command outside its contract is shown beside what the contract has', async () => {
    const ask = 'onDeviation: { ask: { reviewers: { any: [reviewers] }, wait: 30m } }';
    await reconfigure(gateway, (text) =>
      text.replace(/( +)(orders: \{ of: paid-twice.*\n)/, `$1$2          ${ask}\n`),
    );
    const run = await apiAs(gateway, 'developer').post<{ id: string }>('/v1/runs', { workflow: 'refunds' });
    const env = libpqEnvironment(gateway, await gateway.token('developer'), 'orders-prod');
    const options = `-c custody.run=${run.id} -c custody.task=find`;
    const deviating = 'INSERT INTO refunds (order_id, amount) VALUES (1, 5)';
    const client = startClient('psql', ['-XAtqc', deviating], { ...env, PGOPTIONS: options });
    const rui = await visit('reviewer');
    await rui.open('/requests');
    await rui.page.getByText('Outside its contract').waitFor();
    await rui.page.locator('.request-row h3 a').first().click();
    await rui.page.getByRole('heading', { name: 'A command that waits' }).waitFor();
    expect(await rui.page.getByLabel('The command').innerText()).toBe(deviating);
    await rui.page.getByText('another command: INSERT INTO refunds').waitFor();
    const contract = rui.page.locator('.contract');
    await contract.getByText('Finds orders with two payments that were not refunded').waitFor();
    expect(await contract.innerText()).toContain('rows: (1 to 3)');
    expect(await rui.page.locator(`a[href="/runs/${run.id}"]`).count()).toBeGreaterThan(0);
    await press(rui, 'Approve');
    await confirm(rui, 'Approve');
    await expect.poll(() => stateOn(rui).innerText()).toMatch(/Granted|In use|Ran out/);
    expect((await client.done).stderr).not.toContain('FATAL:  the command is not in the contract');
    expect(rui.complaints).toEqual([]);
  });

  test('grants are given back and revoked where they are listed', async () => {
    const { id } = await granted(gateway, { reason: 'to be revoked' });
    const rui = await visit('reviewer');
    await rui.open('/grants');
    const row = rui.page.locator('.grant-row', { hasText: 'to be revoked' });
    await row.getByRole('button', { name: 'Revoke' }).click();
    await confirm(rui, 'Revoke');
    await row.waitFor({ state: 'detached' });
    expect((await requestOf(id)).state).toBe('revoked');
    const second = await granted(gateway, { reason: 'to be given back' });
    const dana = await visit('developer');
    await dana.open('/grants');
    await dana.page.locator('.grant-row').getByRole('button', { name: 'Give back' }).click();
    await confirm(dana, 'Give back');
    await dana.page.getByText('Nothing is granted at the moment').waitFor();
    expect((await requestOf(second.id)).state).toBe('returned');
  });

  test('lists are filtered by the address', async () => {
    const { id } = await asked({ reason: 'to be found' });
    const rui = await visit('reviewer');
    await rui.open('/requests?state=pending&person=dana%40example.com');
    const found = rui.page.locator('section', { has: rui.page.getByRole('heading', { name: 'Found' }) });
    await found.locator(`a[href="/requests/${id}"]`).waitFor();
    await found.getByLabel('State').selectOption('denied');
    await found.locator(`a[href="/requests/${id}"]`).waitFor({ state: 'detached' });
    expect(new URL(rui.page.url()).search).toBe('?state=denied&person=dana%40example.com');
  });

  /** Above the navigation, whole, and large enough for a thumb. */
  async function isInReach(
    { page }: Visitor,
    button: ReturnType<Visitor['page']['locator']>,
  ): Promise<boolean> {
    const [box, nav] = [(await button.boundingBox())!, (await page.locator('.nav').boundingBox())!];
    const isLow = box.y > page.viewportSize()!.height / 2;
    return isLow && box.height >= THUMB && box.width >= THUMB && box.y + box.height <= nav.y;
  }

  function counted({ page }: Visitor, path: RegExp): { readonly count: number } {
    const seen = { count: 0 };
    page.on('request', (request) => {
      if (request.method() === 'POST' && path.test(request.url())) seen.count += 1;
    });
    return seen;
  }
});
