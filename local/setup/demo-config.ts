import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { workloadsIssuer } from '#adapters/local/demo-workloads.ts';
import { type Config, parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { withCluster } from '../kubernetes/demo-target.ts';
import type { DemoCluster } from '../kubernetes/kubeconfig.ts';
import { demoWorkflow } from './demo-workflow.ts';
import type { LocalSettings } from './settings.ts';

/** The demo SSH server, as custody.yaml names it. */
export interface DemoWeb {
  readonly login: string;
  readonly hostKey: string;
}

/**
 * The data folder's custody.yaml: written at the first start, the user's own afterwards. Addresses of the demo's own
 * parts follow the ports of this start. Throws `config-invalid` with the place of a mistake.
 */
export function demoConfig(
  file: string,
  { ports }: Pick<LocalSettings, 'ports'>,
  web?: DemoWeb,
  cluster?: DemoCluster,
): Config {
  if (!existsSync(file)) replace(file, template(ports, web));
  const text = read(file);
  const moved = withPorts(cluster === undefined ? text : withCluster(text, cluster), ports);
  if (moved !== text) replace(file, moved);
  return parseConfig(moved, file);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CustodyError('config-invalid', `${file} cannot be read: ${why}`, {
      hint: 'see what is there; without the file, the next start writes a new one',
      cause,
    });
  }
}

/** In one step, so that a start that is cut off leaves no half of it. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Only the lines that this program wrote, and only while they still carry its mark. A file of before knows people alone. */
function withPorts(text: string, ports: LocalSettings['ports']): string {
  const people = peopleIssuer(ports);
  const console = text.replace(
    /^(console: )\S+( +# set by npm start)/m,
    (_, key: string, mark: string) => `${key}${consoleAt(ports)}${mark}`,
  );
  const moved = console.replace(
    /^( *(?:- )?issuer: )(\S+)( +# set by npm start)$/gm,
    (_, key: string, was: string, mark: string) => {
      const issuer = was.endsWith(workloadsIssuer('')) ? workloadsIssuer(people) : people;
      return `${key}${issuer}${mark}`;
    },
  );
  return moved.replace(
    /^( *)address: \S+( +# set by npm start)$/gm,
    (_, indent: string, mark: string, at: number) => {
      const port = protocolAt(moved, at, indent) === 'ssh' ? ports.sshTarget : ports.database;
      return `${indent}address: 127.0.0.1:${port}${mark}`;
    },
  );
}

function peopleIssuer({ issuer }: LocalSettings['ports']): string {
  return `http://127.0.0.1:${issuer}`;
}

function consoleAt({ api }: LocalSettings['ports']): string {
  return `http://127.0.0.1:${api}`;
}

function template(ports: LocalSettings['ports'], web: DemoWeb | undefined): string {
  const refunds = demoWorkflow(peopleIssuer(ports));
  return `# Who may reach what through this gateway. A running gateway takes changes within a second, and refuses what is not valid:
# custody config check. What each key means: custody config schema.
version: 1

identity: # whose tokens are taken; docs/identity says what to write for yours
  - name: people
    issuer: ${peopleIssuer(ports)} # set by npm start
    audience: custody
    groupsClaim: groups
    taskClaim: task # a token for one task of one run: custody demo token dana --run RUN --task find
  - name: actions # machines: jobs with tokens of the form that GitHub Actions gives them
    kind: workload
    issuer: ${workloadsIssuer(peopleIssuer(ports))} # set by npm start
    audience: custody
    taskClaim: task
    match: { repository_owner: acme } # of everybody's jobs, only ours

targets:
  orders-db: # the name a client gives as its database
    protocol: postgres
    address: 127.0.0.1:${ports.database} # set by npm start
    database: orders
    credential: # the gateway's own; no client ever sees it
      user: app
      passwordFile: secrets/orders-db
    tls:
      mode: verify-full
      caFile: tls/ca.pem
      serverName: localhost
    recording:
      durability: windowed # or write-ahead: nothing reaches the database before it is stored
      windowMs: 250 # at most this much is lost if this machine vanishes
      deadlineMs: 10000 # a recording that cannot keep up for this long ends the session
  orders-prod: # the same database, for which one has to ask
    protocol: postgres
    address: 127.0.0.1:${ports.database} # set by npm start
    database: orders
    credential: { user: app, passwordFile: secrets/orders-db }
    tls: { mode: verify-full, caFile: tls/ca.pem, serverName: localhost }
  sandbox-db: # custody rerun SESSION --against sandbox-db: a copy of orders-db, made when somebody asks for it
    protocol: postgres
    sandbox:
      from: orders-db
      at: now # or session: as the data was before the session that is run again
      for: 1h # then it is removed
    database: orders
    credential: { user: app, passwordFile: secrets/orders-db }
    tls: { mode: verify-full, caFile: tls/ca.pem, serverName: localhost }
${web === undefined ? '' : webTarget(ports, web)}
rules: # nothing is allowed that no rule allows
  - name: developers-work
    groups: [developers]
    targets: [${web === undefined ? 'orders-db' : 'orders-db, web-1'}]
    allow: [connect]
  - name: developers-ask
    groups: [developers]
    targets: [orders-prod]
    allow: [connect]
    approval: # two people who are not the one who asks
      reviewers: { any: [reviewers] }
      approvals: 2
      maxDuration: 4h # from the second approval on
      pendingFor: 8h
      reason: required
      # wait: 2m # a client that connects asks by itself, and waits so long for the answer
      # statements: exact # the approval names the commands, and only those run
      # allow: [transactions, settings] # and, beside them, BEGIN and COMMIT, time limits and SHOW
  - name: emergency # custody request orders-prod --break-glass --reason ...
    groups: [developers]
    targets: [orders-prod]
    allow: [connect]
    breakGlass: # at once, with an alarm; somebody has to look at it afterwards
      reviewers: { any: [reviewers] }
      maxDuration: 1h
  - name: deploys # custody demo token --workload deploy
    issuer: actions
    claims: { repository: acme/shop, ref: refs/heads/main } # no other branch, no fork
    targets: [orders-db]
    allow: [connect]
    session: { maxDuration: 15m }
  - name: agents-work # custody demo token dana --actor agent-7: an agent that acts for somebody in developers
    groups: [developers]
    actor:
      subject: agent-*
      issuer: ${workloadsIssuer(peopleIssuer(ports))} # set by npm start
    targets: [orders-db]
    allow: [connect]
    session: { maxDuration: 1h, endsWithToken: true }
  - name: agents-ask # whom the agent acts for cannot approve it, and their own grant is not the agent's
    groups: [developers]
    actor:
      subject: agent-*
      issuer: ${workloadsIssuer(peopleIssuer(ports))} # set by npm start
    targets: [orders-prod]
    allow: [connect]
    approval:
      reviewers: { any: [reviewers] }
      maxDuration: 1h
      reason: required
      # coversActors: true # what its person was granted would be for the agent too
  - name: sandboxes
    groups: [developers, auditors]
    targets: [sandbox-db]
    allow: [connect]
${refunds.rules}  - name: own-sessions
    groups: [developers]
    targets: ['*']
    allow: [replay, export, rerun]
    sessions: own
  - name: own-sessions-of-jobs # custody run export, by the job that ran it
    issuer: actions
    claims: { repository: acme/shop, ref: refs/heads/main }
    targets: ['*']
    allow: [replay, export]
    sessions: own
  - name: auditors
    groups: [auditors]
    targets: ['*']
    allow: [replay, export, rerun]
    sessions: any
  - name: reviewers-stop
    groups: [reviewers]
    targets: ['*']
    allow: [terminate]
    sessions: any
  - name: platform
    groups: [platform]
    targets: ['*']
    allow: [administer]

${refunds.workflows}
console: ${consoleAt(ports)} # set by npm start; links in messages lead there
webhooks: [] # who is told: { name, url, format: json or slack, secretFile }; see custody config schema
`;
}

function webTarget(ports: LocalSettings['ports'], { login, hostKey }: DemoWeb): string {
  return `  web-1: # ssh web-1, with what custody ssh-config writes
    protocol: ssh
    address: 127.0.0.1:${ports.sshTarget} # set by npm start
    hostKeys: ['${hostKey}'] # any other is refused
    logins:
      ${login}: { keyFile: secrets/web-1 } # the gateway's own; no client ever sees it
`;
}

/** Of the target whose line of this indent stands there: the demo has a server for each protocol. */
function protocolAt(text: string, at: number, indent: string): string | undefined {
  const isInside = (line: string): boolean => line.startsWith(indent) || line.trim() === '';
  const above = text.slice(0, at).split('\n').slice(0, -1);
  const below = text.slice(at).split('\n');
  const first = above.findLastIndex((line) => !isInside(line)) + 1;
  const end = below.findIndex((line) => !isInside(line));
  const own = [...above.slice(first), ...below.slice(0, end === -1 ? undefined : end)];
  const key = `${indent}protocol: `;
  return own
    .find((line) => line.startsWith(key))
    ?.slice(key.length)
    .split(' ')[0];
}
