import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAs } from '#test/support/access-story.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { eventually, libpqEnvironment, startClient } from '#test/support/clients.ts';
import { ConsoleBrowser, faultsOfLooks, type Visitor } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { asDana, HOSTILE, HOSTILE_SHOWN, started, withWorkflows } from './runs-support.ts';

/** The CLI and psql are started several times in each of these. */
const LONG_MS = 240_000;

describe.runIf(hasChromium())('runs', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  beforeAll(async () => {
    gateway = await startLocalGateway();
    await withWorkflows(gateway);
    browser = await ConsoleBrowser.start(() => gateway.addresses);
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
  });

  const node = ({ page }: Visitor, task: string) => page.locator(`[data-task="${task}"]`);
  const arrowWords = ({ page }: Visitor) => page.locator('.arrow-word').allInnerTexts();
  /** What the API has for the step that an address names. */
  const stepAt = async (address: string): Promise<string> => {
    const { pathname, searchParams } = new URL(address);
    const path = `/v1${pathname}/steps?from=${searchParams.get('step')}&limit=1`;
    return JSON.stringify(await apiAs(gateway, 'developer').get(path));
  };
  const psqlAs = async (run: string, task: string, sql: string) => {
    const env = libpqEnvironment(gateway, await gateway.token('developer'), 'orders-prod');
    const options = `-c custody.run=${run} -c custody.task=${task}`;
    return startClient('psql', ['-XAtq'], { ...env, PGOPTIONS: options }, sql);
  };

  test(
    'the demo’s workflow is started here, and followed while the CLI runs its tasks',
    async () => {
      const dana = await browser.visitor('developer');
      const { page } = dana;
      await dana.open('/runs');
      await page.getByRole('button', { name: 'Start a run' }).click();
      await page.getByRole('dialog').getByLabel('Workflow').selectOption('refunds');
      await page.getByRole('button', { name: 'Start refunds' }).click();
      await page.getByRole('heading', { name: 'refunds running' }).waitFor();
      const run = new URL(page.url()).pathname.split('/').at(-1)!;
      expect(await node(dana, 'find').innerText()).toMatch(/ready/);
      expect(await node(dana, 'refund').innerText()).toMatch(/waiting/);
      expect(await arrowWords(dana)).toEqual(['… to come']);
      await page.getByText(`custody run exec ${run} find`).waitFor();

      expect((await asDana(gateway, 'run', 'exec', run, 'find')).code).toBe(0);
      await node(dana, 'find').filter({ hasText: 'kept' }).waitFor();
      expect(await node(dana, 'find').innerText()).toContain('dana@example.com');

      const wrong = 'INSERT INTO refunds (order_id, amount) VALUES (5, 10.00)';
      await (await psqlAs(run, 'refund', wrong)).done;
      await node(dana, 'refund').filter({ hasText: '1 left the contract' }).waitFor();
      await node(dana, 'refund').click();
      expect(new URL(page.url()).searchParams.get('task')).toBe('refund');
      const panel = page.locator('.task-panel');
      await panel.getByRole('heading', { name: 'Left the contract' }).waitFor();
      expect(await panel.locator('.run-departure').innerText()).toMatch(
        /stopped A value that is not from where it has to be from[^]*may be tried again/,
      );

      expect((await asDana(gateway, 'run', 'exec', run, 'refund', '--each')).code).toBe(0);
      await node(dana, 'refund').filter({ hasText: 'kept' }).waitFor();
      expect(await arrowWords(dana)).toEqual(['✓ proved']);
      expect(await panel.locator('.run-flows tbody tr').allInnerTexts()).toEqual([
        expect.stringMatching(
          /find\.orders\.order_id\s+3 rows [0-9a-f]{12}…\s+refund: pay-back\.\$1\s+3 of 3 values\s+✓\s+proved/,
        ),
        expect.stringMatching(
          /find\.orders\.amount\s+3 rows [0-9a-f]{12}…\s+refund: pay-back\.\$2\s+3 of 3 values\s+✓\s+proved/,
        ),
      ]);
      expect(await panel.locator('.run-command').innerText()).toMatch(
        /1 to 3 times, 1 row changed[^]*✓ as often as it may ran 3 times, 3 changed/,
      );
      await panel.getByText('What find.orders handed over: 3 rows').click();
      expect(await panel.getByRole('region', { name: 'Values of find.orders' }).innerText()).toContain(
        '540.50',
      );

      expect((await asDana(gateway, 'run', 'exec', run, 'report')).code).toBe(0);
      await page.getByRole('heading', { name: 'refunds done' }).waitFor();
      await page.getByText('3 of 3 tasks have kept their contracts').waitFor();
      await node(dana, 'report').click();
      expect(await panel.getByRole('region', { name: 'Values of totals' }).innerText()).toMatch(
        /3\s+1965\.30/,
      );
      const session = panel.getByRole('link', { name: /^Session / });
      expect(await session.getAttribute('href')).toMatch(/^\/sessions\/[0-9a-f-]{36}$/);
      await panel.getByRole('link', { name: 'the step', exact: true }).click();
      await page.waitForURL(/\/sessions\/[0-9a-f-]{36}\?step=\d+$/);
      expect(await stepAt(page.url())).toContain('SELECT count(*) AS refunds');
      expect(dana.complaints).toEqual([]);
      await dana.close();
    },
    LONG_MS,
  );

  test(
    'a command that waits leads to its request, and what came of it to its step; a run is ended with words',
    async () => {
      const run = await started(gateway, 'asking');
      const dana = await browser.visitor('developer');
      const { page } = dana;
      await dana.open(`/runs/${run}`);
      await page.getByRole('heading', { name: 'asking running' }).waitFor();
      const client = await psqlAs(run, 'look', 'SELECT 1 AS one;\nSELECT 2 AS other;\n');
      const panel = page.locator('.task-panel');
      const link = panel.getByRole('link', { name: 'the request', exact: true });
      await link.waitFor();
      expect(await node(dana, 'look').innerText()).toContain('waits for reviewers');
      expect(await panel.locator('.run-departure').innerText()).toMatch(
        /asked A command that the contract does not have[^]*The contract has[^]*Seen[^]*another command/,
      );
      const request = (await link.getAttribute('href'))!.split('/').at(-1)!;
      const decision = { decision: 'approved', comment: 'fine' };
      await apiAs(gateway, 'reviewer').post(`/v1/requests/${request}/decisions`, decision);
      expect((await client.done).stdout).toBe('1\n2\n');
      await panel.locator('.run-departure', { hasText: 'approved' }).waitFor();
      expect(await panel.getByRole('link', { name: 'What reviewers said' }).getAttribute('href')).toBe(
        `/requests/${request}`,
      );
      expect(await panel.locator('.run-outside').innerText()).toContain('✗ not in the contract ran once');
      await panel.getByRole('link', { name: 'The step in its session' }).click();
      await page.waitForURL(/\/sessions\/[0-9a-f-]{36}\?step=\d+$/);
      const step = await stepAt(page.url());
      expect(step).toContain('"note":"task-deviation"');
      expect(step).toContain(request);

      const other = await started(gateway, 'asking');
      await dana.open(`/runs/${other}`);
      await page.getByRole('button', { name: 'End the run' }).click();
      const dialog = page.getByRole('dialog', { name: 'End this run of asking?' });
      await dialog.getByLabel('Why').fill('not needed');
      await dialog.getByRole('button', { name: 'End the run' }).click();
      await page.getByRole('heading', { name: 'asking ended' }).waitFor();
      expect(await page.locator('.run-head').innerText()).toContain('not needed');
      expect(await page.locator('.run-standing').innerText()).toContain('The run was ended');
      expect(await apiAs(gateway, 'developer').get(`/v1/runs/${other}`)).toMatchObject({
        state: 'ended',
        ended: { comment: 'not needed' },
      });
      expect(dana.complaints).toEqual([]);
      await dana.close();
    },
    LONG_MS,
  );

  test(
    'a diamond: what is claimed while a session goes on is proved by its result; keys go along the arrows',
    async () => {
      const run = await started(gateway, 'diamond');
      await asDana(gateway, 'run', 'exec', run, 'top');
      const dana = await browser.visitor('developer');
      const { page } = dana;
      await dana.open(`/runs/${run}?task=left`);
      await node(dana, 'top').filter({ hasText: 'kept' }).waitFor();
      const env = libpqEnvironment(gateway, await gateway.token('developer'), 'orders-prod');
      const options = `-c custody.run=${run} -c custody.task=left`;
      const sql =
        'SELECT 7::int AS n \\gx\n\\! sh -c \'while [ ! -e "$CUSTODY_GO" ]; do sleep 0.05; done\'\n';
      const go = `${gateway.dataDir}/go`;
      const client = startClient('psql', ['-Xq'], { ...env, PGOPTIONS: options, CUSTODY_GO: go }, sql);
      await node(dana, 'left').filter({ hasText: 'running' }).waitFor();
      await page.locator('.arrow-word', { hasText: 'claimed' }).waitFor();
      expect(await arrowWords(dana)).toContain('? claimed');
      await startClient('touch', [go], process.env).done;
      await client.done;
      await node(dana, 'left').filter({ hasText: 'kept' }).waitFor();
      expect(await arrowWords(dana)).toEqual(['✓ proved', '… to come', '… to come', '… to come']);

      await node(dana, 'left').focus();
      await page.keyboard.press('ArrowRight');
      expect(await page.locator(':focus').getAttribute('data-task')).toBe('bottom');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowDown');
      expect(await page.locator(':focus').getAttribute('data-task')).toBe('right');
      await page.keyboard.press('Enter');
      await page.locator('.task-panel').getByRole('heading', { name: 'right' }).waitFor();
      expect(new URL(page.url()).searchParams.get('task')).toBe('right');

      await page.getByRole('link', { name: 'Table' }).click();
      const rows = await page
        .getByRole('region', { name: 'Table of the tasks' })
        .locator('tbody tr')
        .allInnerTexts();
      expect(rows.map((row) => row.split(/\s+/).slice(0, 3).join(' '))).toEqual([
        'top ✓ kept',
        'left ✓ kept',
        'right ○ ready',
        'bottom · waiting',
      ]);
      await page.getByRole('link', { name: 'Data between tasks' }).click();
      expect(await page.getByRole('region', { name: 'Data between tasks' }).first().innerText()).toMatch(
        /top\.seen\.id[^]*left: take\.\$1[^]*1 of 1 value[^]*✓\s+proved/,
      );
      expect(dana.complaints).toEqual([]);
      await dana.close();
    },
    LONG_MS,
  );

  test(
    'text of others stays text: in what is asked for, given, put out and said',
    async () => {
      const dana = await browser.visitor('developer');
      const { page } = dana;
      await dana.open('/runs?start=hostile');
      const dialog = page.getByRole('dialog');
      expect(await dialog.innerText()).toContain(HOSTILE_SHOWN);
      await dialog.getByLabel('many').fill('40');
      await dialog.getByLabel('size').selectOption('small');
      await dialog.getByRole('button', { name: 'Start hostile' }).click();
      await dialog
        .getByRole('alert')
        .filter({ hasText: 'the input many is not what the workflow has' })
        .waitFor();
      expect(dana.complaints.splice(0)).toEqual([expect.stringContaining('400')]);

      const run = await started(gateway, 'hostile', { note: HOSTILE, many: '3', size: 'small' });
      expect((await asDana(gateway, 'run', 'exec', run, 'show')).stderr).toContain('kept its contract');
      await apiAs(gateway, 'developer').post(`/v1/runs/${run}/end`, { comment: '<script>alert(2)</script>' });
      await dana.open(`/runs/${run}`);
      await page
        .getByRole('heading', { name: /^hostile/ })
        .first()
        .waitFor();
      await page.getByRole('region', { name: 'Values of said' }).waitFor();
      const said = await page.locator('main').innerText();
      expect(said.split(HOSTILE_SHOWN).length - 1).toBeGreaterThanOrEqual(3);
      for (const hidden of ['\u202e', '\u200b', '\u001b']) expect(said).not.toContain(hidden);
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(dana.complaints).toEqual([]);
      await dana.close();
    },
    LONG_MS,
  );

  test(
    'the list is filtered by the address, goes by keys, and is empty in words',
    async () => {
      const dana = await browser.visitor('developer');
      const { page } = dana;
      const run = await started(gateway, 'sixty');
      await dana.open('/runs?workflow=sixty');
      const rows = page.locator('.run-row');
      await rows.first().waitFor();
      expect(await rows.allInnerTexts()).toEqual([
        expect.stringMatching(/sixty[^]*running[^]*6 ready[^]*54 waiting/),
      ]);
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.waitForURL(`**/runs/${run}`);
      await page.goBack();
      await page.getByLabel('Workflow').selectOption('');
      await page.waitForURL('**/runs');
      await page.locator('.run-row', { hasText: 'refunds' }).first().waitFor();
      await dana.close();
    },
    LONG_MS,
  );

  test(
    'somebody who may see none is told so, and what others may do is not offered',
    async () => {
      const carol = await browser.visitor('reviewer');
      await carol.open('/runs');
      await carol.page.getByRole('heading', { name: 'No runs that you may see' }).waitFor();
      expect(await carol.page.getByRole('button', { name: 'Start a run' }).count()).toBe(0);
      const run = await started(gateway, 'refunds');
      await carol.open(`/runs/${run}`);
      await carol.page.getByRole('alert').filter({ hasText: 'no such run' }).waitFor();
      await carol.close();
    },
    LONG_MS,
  );

  test(
    'each page is there for everybody: axe, light and dark, 320 px',
    async () => {
      const done = await started(gateway, 'diamond');
      await asDana(gateway, 'run', 'exec', done, 'top');
      await (await psqlAs(done, 'left', 'SELECT 9::int AS n')).done;
      const sixty = await started(gateway, 'sixty');
      const paths = [
        '/runs',
        '/runs?start=hostile',
        `/runs/${done}?task=top`,
        `/runs/${done}?task=left`,
        `/runs/${done}?view=table`,
        `/runs/${done}?view=data`,
        `/runs/${sixty}`,
      ];
      const dana = await browser.visitor('developer');
      const { page } = dana;
      await dana.open('/runs');
      for (const path of paths) {
        await go(dana, path);
        expect([path, await faultsOfLooks(page)]).toEqual([path, []]);
      }
      expect(dana.complaints).toEqual([]);
      const { api, issuer } = gateway.addresses;
      expect([...dana.origins].sort()).toEqual([api, issuer].map((url) => new URL(url).origin).sort());
      await dana.close();
    },
    LONG_MS,
  );
});

async function go({ page, go: to }: Visitor, path: string): Promise<void> {
  await to(path);
  const ready = path.startsWith('/runs/') ? '.task-panel' : path.includes('start') ? 'dialog' : '.run-row';
  await page.locator(ready).first().waitFor();
  await eventually('all of the page', async () =>
    (await page.locator('.loading').count()) === 0 ? true : undefined,
  );
}
