import { STEP_SHAPES } from '#core/ocsf/load-shapes.ts';
import { type PlacedEvent, sessionEvents } from '#core/ocsf/session-events.ts';
import type { EventSession } from '#core/ocsf/session-parts.ts';
import type { EventStep } from '#core/ocsf/step-event.ts';
import * as backend from '#core/protocols/postgres/backend.ts';
import { message } from '#core/protocols/postgres/wire.ts';
import type { CloseStatement, OpenStatement } from '#core/recording/format.ts';
import type { FactsOf } from '#core/replay/facts.ts';
import type { KubernetesStep } from '#core/replay/kubernetes/step.ts';
import { LOAD_FACTS } from '#core/replay/load-facts.ts';
import type { ReadStep } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';
import type { ReplayFrame, Shown } from '#core/replay/step.ts';
import { framesOf, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { opening } from '#test/support/recorder.ts';

const HASH = (letter: string): string => letter.repeat(64);

export function openOf(changes: Partial<OpenStatement> = {}, n = 1): OpenStatement {
  return {
    ...{ type: 'custody/open/1', ...opening(n), recorder: 'AAAA', signer: HASH('5') },
    principal: {
      issuer: 'https://id.example',
      issuerName: 'people',
      subject: 'dana',
      email: 'dana@example.com',
      groups: ['developers'],
      groupsOmitted: 0,
    },
    client: { address: '203.0.113.7:50000', application: 'psql' },
    ...changes,
  };
}

export function sessionOf(changes: Partial<OpenStatement> = {}, n = 1): EventSession {
  const value = openOf(changes, n);
  const close: CloseStatement = {
    type: 'custody/close/1',
    session: value.session,
    endedAt: '2026-11-23T09:01:00.000Z',
    reason: 'client-closed',
    recovered: false,
    recordedUntil: 60_000_000,
    segments: 1,
    frames: 9,
    bytes: 900,
    open: HASH('0'),
    last: HASH('1'),
    signer: HASH('5'),
  };
  return { open: { value, sha256: HASH('0') }, close: { value: close, sha256: HASH('2') } };
}

/** For a session over SSH. */
export const SSH_TARGET = {
  target: { name: 'web-1', protocol: 'ssh', address: '[2001:db8::1]:22' },
} as const;

const query = (sql: string): Said => ['client', message(0x51, Buffer.from(`${sql}\0`))];
const TEXT = 25;

export { framesOf, LOGIN };

/** A statement and its answer. */
export function backendQuery(n: number): readonly Said[] {
  return [query(`select ${n}`), ['target', server.tag('SELECT 0'), server.ready]];
}

/** What a person might do in psql. */
export const SAID: readonly Said[] = [
  ...LOGIN,
  query("select email from customers where name = 'Mia'"),
  [
    'target',
    server.columns(['email', TEXT]),
    server.row('mia@example.com'),
    server.tag('SELECT 1'),
    server.ready,
  ],
  query('update orders set state = 2'),
  ['target', server.tag('UPDATE 3'), server.ready],
  query('selec'),
  ['target', server.error('syntax error'), backend.readyForQuery('I')],
  [
    'note',
    Buffer.from(
      JSON.stringify({
        ...{ note: 'task-deviation', kind: 'not-in-contract', expected: 'a command of the contract' },
        ...{ seen: 'DELETE', how: 'stopped' },
      }),
    ),
  ],
  ['client', message(0x58)],
];

const loaded = new Map<string, Promise<FactsOf>>();

function factsFor(protocol: string): Promise<FactsOf> {
  const facts = loaded.get(protocol) ?? LOAD_FACTS.get(protocol)!();
  loaded.set(protocol, facts);
  return facts;
}

export async function* stepsOf(protocol: string, frames: readonly ReplayFrame[]): AsyncGenerator<EventStep> {
  const facts = await factsFor(protocol);
  async function* all() {
    yield* frames;
  }
  let number = 0;
  const reader = READERS.get(protocol)!;
  for await (const read of reader.steps(all(), 'page', () => ({ reason: 'client-closed' }))) {
    number += 1;
    yield { number, read, facts: facts(read) };
  }
}

export function postgresSteps(): AsyncGenerator<EventStep> {
  return stepsOf('postgres', framesOf(SAID));
}

export const shown = (text: string): Shown => ({ text, bytes: text.length, cut: false });

/** One of each kind, and those that say something of their own. */
export const SSH_STEPS: readonly SshStep[] = [
  { kind: 'login', at: 0, took: 9, login: { user: 'deploy', methods: ['password'], accepted: true } },
  { kind: 'login', at: 0, took: 9, login: { user: 'deploy', methods: ['none'], accepted: false } },
  { kind: 'shell', at: 10, took: 9, channel: 1, outcome: 'completed' },
  { kind: 'command', at: 11, took: 5, channel: 1, command: shown('ls -l /srv'), heuristic: true },
  {
    kind: 'exec',
    at: 20,
    took: 900,
    channel: 2,
    command: shown('/usr/bin/make all'),
    program: { exitStatus: 2 },
  },
  { kind: 'exec', at: 21, took: 0, channel: 3, command: shown(''), outcome: 'denied' },
  { kind: 'subsystem', at: 30, took: 9, channel: 4, command: shown('sftp') },
  {
    ...{ kind: 'file', at: 31, took: 9, channel: 4 },
    file: { by: 'sftp', operation: 'read', path: shown('/srv/orders.csv'), size: 12, sha256: HASH('a') },
  },
  {
    ...{ kind: 'file', at: 32, took: 9, channel: 4 },
    file: { by: 'sftp', operation: 'rename', path: shown('a'), newPath: shown('/') },
  },
  { kind: 'file', at: 33, took: 1, channel: 4, file: { by: 'scp', operation: 'mkdir', path: shown('') } },
  {
    ...{ kind: 'forward', at: 40, took: 9, channel: 5 },
    forward: { kind: 'local', type: 'direct-tcpip', to: { host: 'db.internal', port: 5432 } },
  },
  { kind: 'forward', at: 41, took: 9, channel: 6 },
  { kind: 'listen', at: 42, took: 0, listen: { host: '', port: 8080 } },
  { kind: 'git', at: 43, took: 0, git: { operation: 'push', repository: shown('r.git'), refs: [] } },
  { kind: 'session', at: 44, took: 0, channel: 7, outcome: 'refused' },
  { kind: 'request', at: 45, took: 0, request: { type: 'x' } },
  { kind: 'said', at: 46, took: 0, said: shown('hello') },
  { kind: 'note', at: 47, took: 0, note: { note: 'x' } },
  { kind: 'damaged', at: 48, took: 0, text: 'no' },
  { kind: 'end', at: 50, took: 0, text: 'bye' },
];

const ASKED = { method: 'GET', target: shown('/x?y=1'), http: '2', connection: 1, agent: 'kubectl/1.37' };
const DEV = { namespace: 'dev', name: 'web-0', version: 'v1' };

/** One of each kind, and those that say something of their own. */
export const KUBERNETES_STEPS: readonly KubernetesStep[] = [
  { kind: 'login', at: 0, took: 0, login: { user: 'custody:dana@example.com', groups: ['developers'] } },
  {
    ...{ kind: 'call', at: 1, took: 5, channel: 1, outcome: 'completed' },
    call: { ...ASKED, ...DEV, verb: 'get', resource: 'pods', status: 200 },
  },
  {
    ...{ kind: 'call', at: 2, took: 5, channel: 2, outcome: 'refused' },
    call: { ...ASKED, ...DEV, verb: 'delete', resource: 'pods', status: 403, reason: 'Forbidden' },
  },
  {
    ...{ kind: 'call', at: 3, took: 5, channel: 3, outcome: 'denied' },
    call: { ...ASKED, status: 400, by: 'gateway' },
  },
  { kind: 'call', at: 3, took: 5, channel: 3, call: { ...ASKED, verb: 'get', path: '/version' } },
  {
    ...{ kind: 'begun', at: 4, took: 0, channel: 4 },
    call: { ...ASKED, verb: 'watch', resource: 'pods', namespace: 'dev' },
  },
  {
    ...{ kind: 'event', at: 5, took: 0, channel: 4 },
    event: { type: 'ADDED', kind: 'Pod', namespace: 'dev', name: 'a' },
  },
  {
    ...{ kind: 'exec', at: 6, took: 5, channel: 5, outcome: 'failed', program: { exitCode: 7 } },
    ...{ command: shown('/bin/sh -c ls'), words: ['/bin/sh', '-c', 'ls'] },
    call: { ...ASKED, ...DEV, verb: 'create', resource: 'pods/exec', status: 101 },
  },
  { kind: 'command', at: 7, took: 5, channel: 5, command: shown('ls'), heuristic: true },
  {
    ...{ kind: 'file', at: 8, took: 0, channel: 6 },
    file: { path: shown('etc/x'), type: 'file', direction: 'upload', size: 9, sha256: HASH('a') },
  },
  { kind: 'forward', at: 9, took: 5, channel: 7, forward: { number: 1, port: 5432, to: 'dev/db-0' } },
  {
    ...{ kind: 'carried', at: 10, took: 1, channel: 7 },
    carried: { protocol: 'postgres', forward: 1, step: { kind: 'query', at: 10, took: 1 } },
  },
  { kind: 'note', at: 11, took: 0, note: { note: 'call-refused' } },
  { kind: 'damaged', at: 12, took: 0, text: 'no' },
  { kind: 'end', at: 13, took: 0, text: 'bye' },
];

export const KUBERNETES_TARGET = {
  target: { name: 'prod', protocol: 'kubernetes', address: '10.0.0.1:6443' },
  client: { address: '203.0.113.7:50000' },
} as const;

export function sshSteps(): AsyncGenerator<EventStep> {
  return stepsIn('ssh', SSH_STEPS);
}

export function kubernetesSteps(): AsyncGenerator<EventStep> {
  return stepsIn('kubernetes', KUBERNETES_STEPS);
}

async function* stepsIn(
  protocol: string,
  steps: readonly (SshStep | KubernetesStep)[],
): AsyncGenerator<EventStep> {
  const facts = await factsFor(protocol);
  for (const [at, step] of steps.entries()) {
    const read = { step, toText: () => '', toJson: () => ({ ...step }) } as unknown as ReadStep;
    yield { number: at + 1, read, facts: facts(read) };
  }
}

export async function eventsOf(
  session: EventSession,
  steps: AsyncIterable<EventStep>,
): Promise<PlacedEvent[]> {
  const shape = STEP_SHAPES.get(session.open.value.target.protocol)!;
  const events: PlacedEvent[] = [];
  for await (const event of sessionEvents(session, steps, shape)) events.push(event);
  return events;
}
