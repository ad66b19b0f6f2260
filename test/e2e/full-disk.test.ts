import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareFolder } from '#test/chaos/stand.ts';
import { eventually, hasClient } from '#test/support/clients.ts';
import { canMount, limitedFiles, type SmallDisk, smallFileSystem } from '#test/support/full-disk.ts';
import { freePortBase, type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { type OwnClient, OwnGateway } from '#test/support/own-gateway.ts';

const TOLD = 'the recording could not be stored, so the session ends';

let local: LocalGateway;
beforeAll(async () => {
  local = await startLocalGateway();
});
afterAll(() => local?.stop());

/** A query that does not compress, and is more than the room that the journal has made: it needs some wherever it is stored. */
function bulky(name: string): string {
  return `select '${name}', length('${randomBytes(7_000_000).toString('base64')}')`;
}

/** What the client is told until its connection ends. */
async function toldBy({ client, errors, ended }: OwnClient, sql: string): Promise<string> {
  const answer = await client.query(sql).then(
    () => 'an answer',
    (error: Error) => error.message,
  );
  await ended;
  return [answer, ...errors].join('; ');
}

/** Why a new connection is refused. */
async function refusal(gateway: OwnGateway, target: string): Promise<unknown> {
  return gateway.connect(target).then(
    () => 'not refused',
    ({ message, code }: Error & { code?: string }) => ({ message, code }),
  );
}

describe.each([
  { name: 'of files that cannot grow', isHere: hasClient('prlimit'), makeDisk: limitedFiles },
  { name: 'of a file system without room', isHere: canMount(), makeDisk: smallFileSystem },
])('a full disk, $name', ({ isHere, makeDisk }) => {
  let disk: SmallDisk;
  let gateway: OwnGateway;

  async function start(leaseMs: number): Promise<void> {
    gateway = new OwnGateway(local, disk.dataDir, (await freePortBase()) + 1, [
      '--lease-ms',
      String(leaseMs),
    ]);
    await gateway.start();
  }

  beforeEach((context) => {
    context.skip(!isHere);
    disk = makeDisk();
    mkdirSync(disk.dataDir, { recursive: true, mode: 0o700 });
    prepareFolder(local, disk.dataDir);
  });
  afterEach(async () => {
    await gateway?.stop('SIGKILL');
    disk?.remove();
  });

  /** Every session by what its client sent first, once all of them are sealed. */
  async function evidence(): Promise<
    { name: string | undefined; reason: string | undefined; verdict: string }[]
  > {
    const found = [];
    for (const { id, outcome } of await gateway.sessions()) {
      const { verdict, findings } = await gateway.verify(id);
      expect(findings).toEqual([]);
      const [, name] = /select '([^']*)'/.exec(await gateway.sent(id)) ?? [];
      found.push({ name, reason: outcome?.reason, verdict });
    }
    return found;
  }

  it('ends sessions with words for it, refuses new ones, and is over when there is room again', async () => {
    await start(60_000);
    const windowed = await gateway.connect('windowed');
    const writeAhead = await gateway.connect('write-ahead');
    await windowed.client.query("select 'one'");
    await writeAhead.client.query("select 'two'");
    disk.fill(gateway.pid);
    expect(await toldBy(writeAhead, bulky('never'))).toMatch(TOLD);
    expect(await toldBy(windowed, bulky('late'))).toMatch(TOLD);
    for (const target of ['windowed', 'write-ahead'])
      expect(await refusal(gateway, target)).toEqual({ message: TOLD, code: '58030' });
    disk.makeSpace(gateway.pid);
    const after = await gateway.connect('write-ahead');
    await after.client.query("select 'three'");
    const closed = await gateway.connect('windowed');
    await closed.client.query("select 'four'");
    await closed.client.end();
    await eventually('its seal', () =>
      gateway.said.some(({ event, reason }) => event === 'session-closed' && reason === 'client-closed')
        ? true
        : undefined,
    );

    // What could not be sealed is sealed by itself, by the gateway that could not.
    const ended = await eventually('the late seals', async () => {
      const listed = await gateway.sessions();
      const open = listed.filter(({ state }) => state === 'open');
      return open.length === 1 ? listed : undefined;
    });
    // The index knows it before the log does.
    await eventually('the log to say so', () =>
      gateway.said.filter(({ event }) => event === 'session-sealed').length > 1 ? true : undefined,
    );
    const reasons = ended.map(({ outcome }) => outcome?.reason);
    expect(reasons.filter((reason) => reason === 'recording-failed')).toHaveLength(2);
    expect(reasons).not.toContain('recovered');

    // What a kill leaves is sealed by the next start.
    await gateway.stop('SIGKILL');
    await gateway.start();
    expect(gateway.said.filter(({ event }) => event === 'seal-failed').length).toBeGreaterThan(0);
    const sealed = await evidence();
    expect(sealed.filter(({ verdict, reason }) => verdict !== 'verified' || reason === undefined)).toEqual(
      [],
    );
    expect(sealed.map(({ name }) => name)).toEqual(expect.arrayContaining(['one', 'two', 'three', 'four']));
  });

  it('that outlasts the lease ends the gateway, and it says why it cannot start until there is room', async () => {
    await start(1_500);
    const { client, errors, ended } = await gateway.connect('write-ahead');
    await client.query("select 'one'");
    disk.fill(gateway.pid);
    await ended;
    expect(errors[0]).toMatch(/the recording could not be stored|its sessions were taken over/);
    expect(await gateway.ended()).toBe(1);
    expect(gateway.said.map(({ event }) => event)).toContain('abandoned');
    disk.fill(gateway.pid); // It removed files when it ended.
    await expect(gateway.start(disk.under)).rejects.toThrow(/"cannot-start".*(disk|full|written)/);
    disk.makeSpace(gateway.pid);
    await gateway.start();
    expect(await evidence()).toEqual([{ name: 'one', reason: 'recovered', verdict: 'verified' }]);
    await (await gateway.connect('windowed')).client.query('select 2');
  });
});
