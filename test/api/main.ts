/**
 * An independent tool against the API: schemathesis reads the OpenAPI document and tries what it allows and what it does not,
 * as a developer and as a reviewer. `npm run test:api -- [--examples N] [--seed N]`. Installs schemathesis with pip into a
 * folder of its own where it is not on PATH.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { accessHandler } from '#lambdas/access/handler.ts';
import { type Api, startApi } from '#local/api/api-server.ts';
import { addSession, call, POLICY, verifier, type World, world } from '#test/lambdas/support.ts';
import { noRuns } from '#test/support/api-runs.ts';
import { ledgerOf } from '#test/support/ledger-view.ts';
import { memorySsh } from '#test/support/memory-certificates.ts';
import { MemoryDeliveries } from '#test/support/memory-deliveries.ts';
import { noDevices } from '#test/support/memory-devices.ts';
import { NO_LOGOUTS } from '#test/support/memory-logouts.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import { noSandboxes } from '#test/support/memory-sandboxes.ts';
import { noDirectory } from '#test/support/memory-scim.ts';
import { noHealth } from '#test/support/no-health.ts';
import { NO_SEARCH } from '#test/support/no-search.ts';

const VERSION = '4.32.5';
/** Who calls: every reader of the policy in test/lambdas/support.ts is one of these. */
const PEOPLE = ['dana', 'rui', 'adm'];
/**
 * Left out, and why: what a request may hold depends on the rules and on what is there (403, 404, 409 are good answers to what
 * the schema allows), so `positive_data_acceptance` would call each of them a failure.
 */
const LEFT_OUT = 'positive_data_acceptance';

const { values } = parseArgs({
  options: { examples: { type: 'string', default: '30' }, seed: { type: 'string', default: '2026' } },
});

const folder = mkdtempSync(join(tmpdir(), 'custody-api-'));
try {
  process.exitCode = await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<number> {
  const program = schemathesis();
  let failed = 0;
  for (const person of PEOPLE) {
    const ports = await filled();
    const api = await serve(ports);
    writeFileSync(join(folder, 'openapi.json'), JSON.stringify(await documentFor(ports, api)));
    const code = await run(program, person, api);
    await api.close();
    process.stdout.write(`${JSON.stringify({ as: person, exit: code, faults: ports.faults.length })}\n`);
    if (code !== 0 || ports.faults.length > 0) failed = 1;
  }
  return failed;
}

/** The tool on PATH, or in a folder of its own. */
function schemathesis(): string {
  try {
    execFileSync('schemathesis', ['--version'], { stdio: 'ignore' });
    return 'schemathesis';
  } catch {
    execFileSync('python3', ['-m', 'venv', join(folder, 'venv')], { stdio: 'inherit' });
    const pip = ['install', '--quiet', `schemathesis==${VERSION}`];
    execFileSync(join(folder, 'venv', 'bin', 'pip'), pip, { stdio: 'inherit' });
    return join(folder, 'venv', 'bin', 'schemathesis');
  }
}

/** Sessions and requests of several people, in several states. */
async function filled(): Promise<World> {
  const ports = world();
  await addSession(ports, 1, { subject: 'dana' });
  await addSession(ports, 2, { subject: 'eve', target: 'payroll-db' });
  const handler = accessHandler(ports);
  for (const reason of ['one', 'two', 'three']) {
    await call(handler, '/v1/requests', {
      token: 'dana',
      method: 'POST',
      body: { target: 'stock-db', reason },
    });
  }
  const [first, second] = [...ports.access.requests.keys()];
  const decide = (id: string | undefined, token: string, decision: string) =>
    call(handler, `/v1/requests/${id}/decisions`, { token, method: 'POST', body: { decision } });
  for (const token of ['rui', 'sam']) await decide(first, token, 'approved');
  await decide(second, 'rui', 'denied');
  return ports;
}

/**
 * The document that the API serves, with ids and names of what there is, so that the tool does not only knock at closed doors:
 * all else in it is as it is.
 */
async function documentFor(ports: World, { url }: Api): Promise<object> {
  const document = (await (await fetch(`${url}/v1/openapi.json`)).json()) as Document;
  const [requests, sessions] = [[...ports.access.requests.keys()], [...ports.catalog.records.keys()]];
  for (const [path, item] of Object.entries(document.paths)) {
    const ids = path.startsWith('/v1/sessions') ? sessions : requests;
    for (const { parameters = [] } of Object.values(item)) {
      for (const one of parameters) if (one.in === 'path' && one.name === 'id') one.schema = { enum: ids };
    }
  }
  const create = document.paths['/v1/requests']!['post']!.requestBody!.content['application/json'].schema;
  create.properties['target'] = { enum: ['stock-db', 'stock-db', 'orders-db', 'nothing'] };
  create.properties['rule'] = { enum: ['stock-ask', 'stock-glass'] };
  return document;
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
}

interface Operation {
  readonly parameters?: { in: string; name: string; schema: object }[];
  readonly requestBody?: {
    readonly content: {
      readonly 'application/json': { readonly schema: { properties: Record<string, object> } };
    };
  };
}

async function serve(ports: World): Promise<Api> {
  return startApi({
    port: 0,
    search: NO_SEARCH,
    policy: { config: POLICY, refused: undefined },
    verifier: () => verifier,
    // The tool shows bad tokens by the hundred.
    failures: new TokenFailures(() => performance.now(), Number.MAX_SAFE_INTEGER),
    requests: ports.requests,
    terminations: ports.terminations,
    scim: noDirectory(),
    logout: NO_LOGOUTS,
    ...noDevices(),
    runs: noRuns(),
    ssh: memorySsh(
      () => POLICY,
      () => new Date(),
    ),
    desk: ports.desk,
    sandboxes: noSandboxes(),
    deadLetters: new MemoryDeliveries(),
    health: noHealth(),
    catalog: ports.catalog,
    leaves: ports.leaves,
    ledger: await ledgerOf([...ports.catalog.records.keys()]),
    source: ports.source,
    signerPem: memorySigner().pem,
    gateway: { host: 'localhost', port: 7400, caPem: 'ca' },
    now: () => ports.clock.now,
    log: ports.log,
  });
}

function run(program: string, person: string, { url }: Api): Promise<number> {
  const args = ['run', 'openapi.json', '--url', url, '--header', `Authorization: Bearer ${person}`];
  const bounds = ['--max-examples', values.examples, '--seed', values.seed, '--workers', '1'];
  const checks = ['--continue-on-failure', '--checks', 'all', '--exclude-checks', LEFT_OUT];
  const child = spawn(program, [...args, ...bounds, ...checks], { cwd: folder, stdio: 'inherit' });
  return new Promise((done) => {
    child.once('close', (code) => done(code ?? 1));
  });
}
