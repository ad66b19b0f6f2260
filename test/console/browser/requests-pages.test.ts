/** Every page of requests, on every screen, for who hears it and for who has little room. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAs, type SeenRequest } from '#test/support/access-story.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { ConsoleBrowser, faultsOfLooks, type Visitor } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const LONG = `a_very_long_name_without_any_place_to_break_${'x'.repeat(120)}`;

describe.runIf(hasChromium())('pages of requests', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let exact: string;
  let glass: string;
  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    const dana = apiAs(gateway, 'developer');
    const ask = async (more: object): Promise<string> =>
      (await dana.post<SeenRequest>('/v1/requests', { target: 'orders-prod', ...more })).id;
    const denied = await ask({ reason: 'to look around' });
    const comment = `no: ${LONG}`;
    await apiAs(gateway, 'reviewer').post(`/v1/requests/${denied}/decisions`, {
      decision: 'denied',
      comment,
    });
    glass = await ask({ reason: LONG, breakGlass: true });
    exact = await ask({ reason: `${LONG} and words`, ticket: 'OPS-1', statements: [`select '${LONG}'`] });
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
  });

  test('a reviewer’s', async () => {
    const rui = await browser.visitor('reviewer');
    await rui.open('/requests');
    await rui.page.getByRole('heading', { name: 'Earlier' }).waitFor();
    await rui.page.getByText('to look around').waitFor();
    expect(await faultsOf(rui)).toEqual([]);
    expect(await faultsAt(rui, `/requests/${glass}`, rui.page.locator('.alarm-box'))).toEqual([]);
    expect(await faultsAt(rui, '/grants', rui.page.locator('.grant-row'))).toEqual([]);
    expect(await faultsAt(rui, `/requests/${exact}`, rui.page.locator('.earlier-request').last())).toEqual(
      [],
    );
    await rui.page.locator('.action-bar').getByRole('button', { name: 'Deny' }).click();
    await rui.page.getByRole('dialog').waitFor();
    expect(await faultsOf(rui)).toEqual([]);
    await rui.close();
  });

  test('a developer’s', async () => {
    const dana = await browser.visitor('developer');
    await dana.open('/ask');
    await dana.page.getByText('Choose a target').waitFor();
    expect(await faultsOf(dana)).toEqual([]);
    expect(
      await faultsAt(
        dana,
        '/ask?target=orders-prod&rule=developers-ask',
        dana.page.getByText('2 people of reviewers'),
      ),
    ).toEqual([]);
    await dana.page.getByLabel('Only exact commands').check();
    await dana.page.getByLabel('Command 1').fill(`select '${LONG}'`);
    await dana.page.getByText('As reviewers see it').click();
    await dana.page.locator('.sql-keyword').first().waitFor();
    expect(await faultsOf(dana)).toEqual([]);
    expect(
      await faultsAt(
        dana,
        '/ask?target=orders-prod&rule=emergency',
        dana.page.getByText('For emergencies alone.'),
      ),
    ).toEqual([]);
    expect(
      await faultsAt(dana, '/ask?target=orders-db', dana.page.getByText('custody connect orders-db -- psql')),
    ).toEqual([]);
    expect(
      await faultsAt(dana, '/ask?target=no-such', dana.page.getByText('There is no target no-such')),
    ).toEqual([]);
    expect(await faultsAt(dana, `/requests/${glass}`, dana.page.getByText('What to run now'))).toEqual([]);
    expect(await faultsAt(dana, '/requests', dana.page.getByRole('heading', { name: 'Yours' }))).toEqual([]);
    await dana.close();
  });

  test('a countdown goes to its end, and says so', async () => {
    const dana = await browser.visitor('developer');
    await dana.page.clock.install();
    await dana.open(`/requests/${glass}`);
    const clock = dana.page.locator('.request-clock');
    await clock.filter({ hasText: /^\d+ min \d+ s left$|^\d+ min left$/ }).waitFor();
    await dana.page.clock.fastForward('56:00');
    await dana.page.locator('.countdown.soon').first().waitFor();
    await dana.page.clock.fastForward('04:00');
    await clock.filter({ hasText: 'The time is over' }).waitFor();
    expect(await clock.innerText()).toBe('The time is over');
    await dana.close();
  });

  test('a request that is none of theirs is not found, in the API’s words', async () => {
    const ada = await browser.visitor('auditor');
    await ada.open(`/requests/${exact}`);
    await ada.page.getByText('no such request').waitFor();
    await ada.page.getByRole('link', { name: 'those you may see' }).click();
    await ada.page.getByText('Nothing waits for you').waitFor();
    expect(new URL(ada.page.url()).pathname).toBe('/requests');
    await ada.close();
  });

  async function faultsAt(
    visitor: Visitor,
    path: string,
    sees: ReturnType<Visitor['page']['locator']>,
  ): Promise<readonly string[]> {
    await visitor.go(path);
    await sees.waitFor();
    await visitor.page.locator('.loading').first().waitFor({ state: 'detached' });
    return faultsOf(visitor);
  }

  async function faultsOf({ page, complaints }: Visitor): Promise<readonly string[]> {
    const headings = await page.locator('h1').count();
    return [
      ...(headings === 1 ? [] : [`${headings} headings of the page`]),
      ...(await faultsOfLooks(page)),
      ...complaints,
    ];
  }
});
