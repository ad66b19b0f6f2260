/** A run verified in the browser, and the same one by `custody run verify`: good, and altered. */
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RunVerifyReport } from '#core/tasks/verify/verify-run.ts';
import { custody, type Ran } from '#test/cli/support.ts';
import { hasChromium } from '#test/support/chromium.ts';
import { eventually } from '#test/support/clients.ts';
import {
  accessibilityFaults,
  ConsoleBrowser,
  faultsOfLooks,
  type Visitor,
} from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { storedFolder, untilProved } from './evidence.ts';
import { asDana, started } from './runs-support.ts';

interface Judged {
  readonly verdict: string;
  readonly findings: readonly string[];
}

const WORDS: Readonly<Record<RunVerifyReport['verdict'], string>> = {
  verified: 'Verified',
  unanchored: 'Consistent, not yet proof',
  incomplete: 'Incomplete',
  failed: 'Failed',
};

describe.runIf(hasChromium())('the proof of a run', () => {
  let gateway: LocalGateway;
  let browser: ConsoleBrowser;
  let home: string;
  let run: string;
  let ada: Visitor;
  /** What the command line says of the run as it was. */
  let good: RunVerifyReport;
  /** Of the task whose evidence is altered: its session, and its objects as they were recorded. */
  let session: string;
  let kept: string;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    browser = await ConsoleBrowser.start(() => gateway.addresses);
    home = mkdtempSync(join(tmpdir(), 'custody-run-proof-'));
    run = await started(gateway, 'refunds');
    for (const task of [['find'], ['refund', '--each'], ['report']]) {
      const { code, stderr } = await asDana(gateway, 'run', 'exec', run, ...task);
      if (code !== 0) throw new Error(stderr);
    }
    good = await eventually('all of the run to be in the ledger', async () => {
      const { code, stdout, stderr } = await asAda('verify', run, '--json');
      if (code !== 0 && code !== 4) throw new Error(stdout + stderr);
      return code === 0 ? (JSON.parse(stdout) as RunVerifyReport) : undefined;
    });
    // A run is verified without its sessions' own proofs; where one is not there yet, the page's question has 404 for an answer.
    for (const execution of good.facts!.executions) await untilProved(gateway, execution.session);
    session = good.facts!.executions.find(({ task }) => task === 'refund')!.session;
    kept = join(home, 'kept');
    cpSync(storedFolder(gateway, session), kept, { recursive: true });
    ada = await browser.visitor('auditor');
  });
  afterEach(async () => {
    await ada.page.unrouteAll();
    const folder = storedFolder(gateway, session);
    rmSync(folder, { recursive: true });
    cpSync(kept, folder, { recursive: true });
  });
  afterAll(async () => {
    await browser?.stop();
    await gateway?.stop();
    if (home !== undefined) rmSync(home, { recursive: true });
  });

  async function asAda(...args: readonly string[]): Promise<Ran> {
    const CUSTODY_TOKEN = await gateway.token('auditor');
    const env = {
      CUSTODY_API: gateway.addresses.api,
      CUSTODY_HOME: join(home, 'home'),
      CUSTODY_TOKEN,
      HOME: home,
    };
    return custody(['run', ...args], { env });
  }

  /** As the page has it, once the verification that goes on is done. */
  async function judged(): Promise<Judged> {
    await ada.page.locator('.run-proof .loading').waitFor({ state: 'detached' });
    const verdict = (await ada.page.locator('#run-verdict').innerText()).trim();
    const findings = await ada.page
      .locator('.findings li')
      .evaluateAll((items) =>
        items.map((item) =>
          ['code.finding', '.object'].map((part) => item.querySelector(part)!.textContent).join(' '),
        ),
      );
    return { verdict, findings };
  }

  async function judgedAgain(): Promise<Judged> {
    await ada.page.getByRole('button', { name: 'Verify again' }).click();
    return judged();
  }

  function inWords({ verdict, findings }: RunVerifyReport): Judged {
    return { verdict: WORDS[verdict], findings: findings.map(({ code, object }) => `${code} ${object}`) };
  }

  test('is consistent until somebody pins whom they trust, and then verified, as the command line says', async () => {
    const { page } = ada;
    await ada.open(`/runs/${run}`);
    await page.getByRole('button', { name: 'Verify the run' }).click();
    await page.locator('#run-verdict').waitFor();
    const before = await judged();
    expect(before.verdict).toBe('Consistent, not yet proof');
    expect(before.findings).toContain('ledger-unanchored ledger.json');
    await page.getByRole('button', { name: 'I compared both: pin them' }).click();
    await page.getByText('every result derived again, signed by the key').waitFor();
    expect(await judged()).toEqual({ verdict: 'Verified', findings: [] });
    expect(await judged()).toEqual(inWords(good));
    const rows = await page.locator('table.derived tbody tr').allInnerTexts();
    expect(rows.map((row) => row.split('\t').map((cell) => cell.trim()))).toEqual(
      good.facts!.executions.map(({ task, verdict, commands, deviations, lineage, operator }) => [
        task,
        verdict,
        String(commands),
        String(deviations),
        `${lineage!.found} of ${lineage!.values}`,
        operator!.email,
      ]),
    );
    const { leaves, size } = good.facts!.ledger!;
    await page.getByText(`${leaves} leaves of it are proved under a checkpoint of`).waitFor();
    expect(size).toBeGreaterThanOrEqual(leaves);
    const { api, issuer } = gateway.addresses;
    expect([...ada.origins].sort()).toEqual([api, issuer].map((url) => new URL(url).origin).sort());
    expect(ada.complaints).toEqual([]);
  });

  test.each<[what: string, alter: (folder: string) => void]>([
    [
      'a result that was signed otherwise',
      (folder) => {
        const file = join(folder, 'task.json');
        const envelope = JSON.parse(readFileSync(file, 'utf8')) as { payload: string };
        const said = Buffer.from(envelope.payload, 'base64').toString().replace('refund', 'refuns');
        chmodSync(file, 0o600);
        writeFileSync(file, JSON.stringify({ ...envelope, payload: Buffer.from(said).toString('base64') }));
      },
    ],
    [
      'a byte of a recording',
      (folder) => {
        const file = join(folder, '00000000.seg');
        const bytes = readFileSync(file);
        bytes[100]! ^= 1;
        chmodSync(file, 0o600);
        writeFileSync(file, bytes);
      },
    ],
    ['a result missing', (folder) => rmSync(join(folder, 'task.json'))],
    ['an end missing', (folder) => rmSync(join(folder, 'close.json'))],
  ])('%s is found, by the names that custody run verify has for it', async (_what, alter) => {
    alter(storedFolder(gateway, session));
    const found = await judgedAgain();
    const { code, stdout, stderr } = await asAda('verify', run, '--json');
    if (code !== 1 && code !== 4) throw new Error(`custody run verify: ${code}: ${stderr}`);
    expect(found).toEqual(inWords(JSON.parse(stdout) as RunVerifyReport));
  });

  test('an API that gives another key, or leaves a step out, is contradicted by the ledger', async () => {
    await ada.page.route(`**/v1/runs/${run}/evidence`, async (route) => {
      const told = (await (await route.fetch()).json()) as { run: { steps: object[] } };
      const steps = told.run.steps.slice(0, -1);
      await route.fulfill({
        json: { ...told, key: Buffer.alloc(32).toString('base64'), run: { ...told.run, steps } },
      });
    });
    const { verdict, findings } = await judgedAgain();
    expect(verdict).toBe('Failed');
    expect(await accessibilityFaults(ada.page)).toEqual([]);
    expect(findings).toEqual(
      expect.arrayContaining(['key-mismatch run.key', 'step-removed ledger.json']) as string[],
    );
    await ada.page.unrouteAll();
    expect(await judgedAgain()).toEqual({ verdict: 'Verified', findings: [] });
  });

  test('is there for everybody: axe in light and dark, and nothing scrolls sideways', async () => {
    expect(await judgedAgain()).toEqual({ verdict: 'Verified', findings: [] });
    expect(await faultsOfLooks(ada.page)).toEqual([]);
  });

  test('whoever may not take out all of its sessions is told so, and sees no verdict', async () => {
    const dana = await browser.visitor('developer');
    await dana.page.route(`**/v1/runs/${run}/evidence`, (route) =>
      route.fulfill({ status: 403, json: { code: 'access-denied', detail: 'not those', status: 403 } }),
    );
    await dana.open(`/runs/${run}`);
    await dana.page.getByRole('button', { name: 'Verify the run' }).click();
    const refused = dana.page.locator('.run-proof .failure');
    await refused.waitFor();
    expect(await refused.innerText()).toMatch(/not those[^]*access-denied/);
    expect(await dana.page.locator('#run-verdict').count()).toBe(0);
    await dana.page.unrouteAll();
    await refused.getByRole('button', { name: 'Try again' }).click();
    await dana.page.getByRole('heading', { name: 'Consistent, not yet proof' }).waitFor();
    await dana.close();
  });
});
