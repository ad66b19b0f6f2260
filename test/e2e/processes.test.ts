/** A gateway of two processes, as what it is for its clients: one gateway. Processes are real, and killed. */
import { readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { prepareFolder } from '#test/chaos/stand.ts';
import { eventually } from '#test/support/clients.ts';
import {
  freePortBase,
  type LocalGateway,
  startLocalGateway,
  temporaryFolder,
} from '#test/support/local-gateway.ts';
import { type OwnClient, OwnGateway } from '#test/support/own-gateway.ts';

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

interface Serving {
  readonly event: string;
  readonly process: number;
  readonly pid: number;
  readonly task: string;
}

let local: LocalGateway;
let gateway: OwnGateway;
let port: number;
const folder = temporaryFolder();
const open: Socket[] = [];

/** One for all of what follows: its processes take long to start. */
beforeAll(async () => {
  local = await startLocalGateway();
  const dataDir = join(folder, 'data');
  prepareFolder(local, dataDir);
  port = (await freePortBase()) + 1;
  gateway = new OwnGateway(local, dataDir, port, [
    '--processes',
    '2',
    '--sessions-max',
    '3',
    '--drain-ms',
    '200',
  ]);
  await gateway.start();
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  await gateway?.stop('SIGKILL');
  await local?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Of all processes that ever served, the oldest first. */
function serving(): readonly Serving[] {
  return (gateway.said as unknown as readonly Serving[]).filter(({ event }) => event === 'serving');
}

interface Session extends OwnClient {
  readonly record: SessionRecord;
  readonly at: Serving;
}

/** A client, its session, and the process that has it. */
async function newSession(): Promise<Session> {
  const before = new Set((await gateway.sessions()).map(({ id }) => id));
  const client = await gateway.connect('write-ahead');
  const record = (await gateway.sessions()).find(({ id }) => !before.has(id))!;
  return { ...client, record, at: serving().find(({ task }) => task === record.task)! };
}

async function sealed({ id }: SessionRecord): Promise<SessionRecord> {
  return eventually('the session to be sealed', async () =>
    (await gateway.sessions()).find((session) => session.id === id && session.outcome !== undefined),
  );
}

/** Two sessions in two processes, and no other: what has just ended may still count in the choice, and have its place. */
async function oneInEach(): Promise<readonly [Session, Session]> {
  return eventually('two sessions in two processes', async () => {
    const one = await newSessionIfRoom();
    const two = await newSessionIfRoom();
    if (one !== undefined && two !== undefined && one.at.task !== two.at.task) return [one, two] as const;
    const open = [one, two].filter((session) => session !== undefined);
    for (const { client } of open) await client.end();
    for (const { record } of open) await sealed(record);
    return undefined;
  });
}

function newSessionIfRoom(): Promise<Session | undefined> {
  return newSession().catch((error: Error & { readonly code?: string }) => {
    if (error.code === '53300') return undefined;
    throw error;
  });
}

/** What the server says to SSLRequest: one byte. */
function answerTo(socket: Socket): Promise<string> {
  return new Promise((answered, failed) => {
    socket.once('data', (chunk: Buffer) => answered(chunk.toString('latin1')));
    socket.once('close', () => failed(new Error('closed')));
  });
}

function knock(): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  open.push(socket);
  socket.write(SSL_REQUEST);
  return socket;
}

describe('a gateway of two processes', () => {
  it('gives sessions to both, has no more than it may in all, and finds a cancel request its way', async () => {
    const [one, two] = await oneInEach();
    const three = await newSession();
    await expect(gateway.connect('windowed')).rejects.toMatchObject({
      code: '53300',
      message: 'this gateway has its 3 sessions already',
    });
    // The emptier of the two takes the cancel request: it is the other one's.
    const crowded = one.at.process === three.at.process ? one : two;
    const asleep = crowded.client.query('select pg_sleep(300)').catch((error: Error) => error.message);
    const { processID, secretKey } = crowded.client as unknown as { processID: number; secretKey: number };
    const cancelled = async (): Promise<string> => {
      const request = connect(port, '127.0.0.1');
      const bytes = Buffer.alloc(16);
      for (const [at, value] of [16, 80_877_102, processID, secretKey].entries())
        bytes.writeInt32BE(value, 4 * at);
      request.end(bytes);
      await new Promise((closed) => request.resume().once('close', closed));
      return Promise.race([asleep.then(String), new Promise<string>((late) => setImmediate(late, ''))]);
    };
    const words = await eventually('the query to be cancelled', async () => (await cancelled()) || undefined);
    expect(words).toContain('canceling statement due to user request');
    for (const { client } of [one, two, three]) await client.end();
    for (const { record } of [one, two, three]) {
      expect((await sealed(record)).outcome).toMatchObject({
        reason: 'client-closed',
        recovered: false,
      });
      expect((await gateway.verify(record.id)).verdict).toBe('verified');
    }
  });

  it('passes over one that does not take what it is given, and loses nothing that a client said meanwhile', async () => {
    const [slow] = serving();
    process.kill(slow!.pid, 'SIGSTOP');
    const sockets = [knock(), knock(), knock()];
    const answers = sockets.map(answerTo);
    let answered = 0;
    for (const answer of answers) void answer.then(() => (answered += 1));
    await eventually('all but the one on its way to be answered', () => (answered === 2 ? true : undefined));
    process.kill(slow!.pid, 'SIGCONT');
    expect(await Promise.all(answers)).toEqual(['S', 'S', 'S']);
    for (const socket of sockets) socket.destroy();
  });

  it('that loses one loses its sessions alone, which are sealed at once, and has another in its place', async () => {
    const [killed, other] = await oneInEach();
    await killed.client.query("select 'written ahead' as x");
    process.kill(killed.at.pid, 'SIGKILL');
    await killed.ended;
    await other.client.query('select 1');
    const { outcome } = await sealed(killed.record);
    expect(outcome).toMatchObject({ reason: 'recovered', recovered: true });
    expect(await gateway.verify(killed.record.id)).toMatchObject({ verdict: 'verified', findings: [] });
    expect(await gateway.sent(killed.record.id)).toContain("select 'written ahead' as x");
    const next = await eventually('another process', () => serving()[2]);
    expect(next).toMatchObject({ process: killed.at.process });
    expect(next.task).not.toBe(killed.at.task);
    const third = await newSession();
    expect(third.at.task).toBe(next.task);
    await other.client.query('select 2');
    expect((await gateway.sessions()).find(({ id }) => id === other.record.id)?.outcome).toBeUndefined();
    for (const { client } of [other, third]) await client.end();
  });

  it('whose parent is killed ends at once, sealed, and leaves the folder to the next', async () => {
    const [one, two] = await oneInEach();
    await one.client.query("select 'before' as x");
    await gateway.stop('SIGKILL');
    // At once: the next one has to wait for the processes that are left.
    await gateway.start();
    for (const { client, record, ended, errors } of [one, two]) {
      await ended;
      expect(errors[0]).toContain('this gateway is shutting down');
      await expect(client.query('select 1')).rejects.toThrow(/closed|not queryable|terminated/);
      const { outcome } = (await gateway.sessions()).find(({ id }) => id === record.id)!;
      expect(outcome).toMatchObject({ reason: 'drained', recovered: false });
      expect((await gateway.verify(record.id)).verdict).toBe('verified');
    }
    await (await newSession()).client.end();
  });

  it('drains as one does: sessions end with the reason, sealed, and the exit code is 0', async () => {
    const { record, errors, ended } = await newSession();
    await gateway.stop();
    expect(await gateway.ended()).toBe(0);
    await ended;
    expect(errors[0]).toContain('this gateway is shutting down');
    expect((await sealed(record)).outcome).toMatchObject({ reason: 'drained', recovered: false });
    expect((await gateway.verify(record.id)).verdict).toBe('verified');
    // Nothing for the next start to put in its place.
    expect(readdirSync(join(folder, 'data/store/.log'))).toEqual([]);
  });
});
