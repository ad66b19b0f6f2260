import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoIssuer } from '#adapters/local/demo-issuer.ts';
import { keptKeys, workloadKeys } from '#adapters/local/demo-keys.ts';
import { demoWorkloads, jobToken, workloadsIssuer } from '#adapters/local/demo-workloads.ts';
import { CUSTODY } from '#test/cli/support.ts';
import { eventually, type Ran, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

/** The fourth task of the demo's workflow, at its SSH server. */
const ANNOUNCE = `      announce:
        description: Says it on web-1
        target: web-1
        by: [{ issuer: actions, claims: { repository: acme/shop, ref: refs/heads/main } }]
        after: [report]
        contract:
          does:
            - name: say
              argv: [echo, refunded, $1]
              values: { $1: { type: number, from: report.totals.total } }
          outputs: { said: { of: say, stream: stdout } }

`;
const TOKEN_RENEWED_MS = 60_000;

/** As much of a run as the API shows. */
export interface ShownRun {
  readonly id: string;
  readonly state: string;
  readonly trace?: string;
  readonly startedBy: { readonly subject: string };
  readonly tasks: readonly {
    readonly name: string;
    readonly state: string;
    readonly executions: readonly { readonly session: string }[];
    readonly stopped: readonly { readonly kind: string; readonly how: string }[];
  }[];
}

/** `npm start` whose refunds have a task over SSH besides, for jobs of the demo's repository. */
export class RefundsGateway {
  readonly local: LocalGateway;
  /** Where a machine finds its token, which somebody else renews. */
  readonly tokenFile: string;
  readonly #renewal: NodeJS.Timeout;

  private constructor(local: LocalGateway, tokenFile: string, renewal: NodeJS.Timeout) {
    this.local = local;
    this.tokenFile = tokenFile;
    this.#renewal = renewal;
  }

  static async start(): Promise<RefundsGateway> {
    const local = await startLocalGateway();
    addTask(local.addresses.config);
    const tokenFile = join(local.dataDir, 'worker', 'token');
    mkdirSync(join(local.dataDir, 'worker'));
    const renew = async (): Promise<void> => {
      writeFileSync(`${tokenFile}.new`, await tokenOfJob(local));
      renameSync(`${tokenFile}.new`, tokenFile);
    };
    await renew();
    const renewal = setInterval(() => void renew(), TOKEN_RENEWED_MS);
    const gateway = new RefundsGateway(local, tokenFile, renewal);
    await eventually('the task announce', async () =>
      (await gateway.cli(await tokenOfJob(local), ['workflow', 'show', 'refunds'])).stdout.includes(
        'announce',
      )
        ? true
        : undefined,
    );
    return gateway;
  }

  async stop(): Promise<void> {
    clearInterval(this.#renewal);
    await this.local.stop();
  }

  cli(token: string, args: readonly string[]): Promise<Ran> {
    const { api } = this.local.addresses;
    const home = join(this.local.dataDir, 'cli');
    const { PATH } = process.env;
    const env = { PATH, HOME: home, CUSTODY_API: api, CUSTODY_HOME: home, CUSTODY_TOKEN: token };
    return startClient(CUSTODY, args, env).done;
  }

  /** The newest run. */
  async latest(): Promise<ShownRun> {
    const shown = await this.cli(await tokenOfJob(this.local), ['run', 'show', 'refunds', '--json']);
    return JSON.parse(shown.stdout) as ShownRun;
  }

  /** As an auditor, who may take out what proves it. */
  async verify(run: string): Promise<Ran> {
    return eventually('all of the run in the ledger', async () => {
      const ran = await this.cli(await this.local.token('auditor'), ['run', 'verify', run]);
      return ran.code === 4 ? undefined : ran;
    });
  }

  /** The gateway's own, for SSH. */
  async hostKey(): Promise<string> {
    const authorization = `Bearer ${await tokenOfJob(this.local)}`;
    const answer = await fetch(`${this.local.addresses.api}/v1/ssh`, { headers: { authorization } });
    return ((await answer.json()) as { hostKeys: string[] }).hostKeys[0]!;
  }
}

function tokenOfJob({ dataDir }: LocalGateway): Promise<string> {
  const { issuer: people, audience } = demoIssuer(dataDir);
  const keys = keptKeys(dataDir, workloadKeys);
  return jobToken(keys, workloadsIssuer(people), audience, demoWorkloads.deploy, Date.now());
}

function addTask(file: string): void {
  const text = readFileSync(file, 'utf8');
  const [before, after] = text.split(/^webhooks:/m) as [string, string];
  const job = /(name: refunds-jobs[^]*?targets: )\[orders-prod\]/;
  const rules = before.trimEnd().replace(job, '$1[orders-prod, web-1]');
  writeFileSync(`${file}.new`, `${rules}\n${ANNOUNCE}webhooks:${after}`);
  renameSync(`${file}.new`, file);
}
