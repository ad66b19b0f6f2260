import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { forgetSockets, type OddThing, oddNames, oddThings, replacing } from '#test/support/odd-things.ts';
import { ORIGIN, type StoredSessions, storeSessions } from '#test/support/stored-sessions.ts';
import { localFolder } from '../../cli/evidence/local-folder.ts';
import { custody, temporary } from './support.ts';

/** One that something happens to, and another. */
const SESSIONS = 2;

let stand: StoredSessions;
let things: readonly OddThing[];

beforeAll(async () => {
  stand = await storeSessions(SESSIONS);
  things = oddThings.filter(canBePut);
});
afterAll(async () => {
  rmSync(stand.root, { recursive: true, force: true });
  await forgetSockets();
});

/** Only root makes devices. */
function canBePut({ what }: OddThing): boolean {
  if (what !== 'a device') return true;
  try {
    execFileSync('mknod', [join(stand.root, 'probe'), 'c', '1', '5'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Everything in a folder, files and folders, relative to it. */
function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.staging'))
    .sort();
}

/** What the sessions are in. */
function holdsEverySession(place: string): boolean {
  return place === 'sessions';
}

/** The sessions that `place` says nothing about are found as they are. */
function othersThan(place: string): number {
  return stand.sessions.filter((session) => !place.includes(session)).length;
}

async function verified() {
  return verifyEvidence(localFolder(stand.evidence), {
    trustedSigners: [stand.signer.der],
    session: stand.sessions[0]!,
    ledger: ORIGIN,
  });
}

describe('a store and an evidence folder in which nobody put anything', () => {
  it('are clean and verified', async () => {
    expect(await stand.audit()).toMatchObject({
      findings: [],
      facts: { sessions: SESSIONS, verified: SESSIONS },
    });
    expect(await verified()).toMatchObject({ verdict: 'verified', findings: [] });
  });
});

describe('one odd thing in a store', () => {
  it('in the place of anything that is there is a finding, and all else is audited', async () => {
    const aside = join(stand.root, 'aside');
    for (const place of everythingIn(stand.store)) {
      // The checkpoint is what the auditor came with, and no auditor reads what commits left behind.
      const isUnread = /^ledger\/(?:checkpoint$|staging\/.)/.test(place);
      const others = things.filter(({ what }) => !isUnread || what !== 'a file of other bytes');
      const wasFolder = statSync(join(stand.store, place)).isDirectory();
      for (const thing of others.filter(({ what }) => what !== 'a folder' || !wasFolder))
        await replacing(join(stand.store, place), thing, aside, async () => {
          const { findings, facts } = await stand.audit();
          const said = `${thing.what} as ${place}: ${JSON.stringify(findings)}`;
          expect(findings.length, said).toBeGreaterThan(0);
          const named = place.split('/').at(-1)!;
          const isNamed = findings.some(
            ({ message, session }) => message.includes(named) || session === named,
          );
          expect(isNamed, said).toBe(true);
          expect(facts.verified, said).toBeGreaterThanOrEqual(
            holdsEverySession(place) ? 0 : othersThan(place),
          );
        });
    }
  });

  it('beside what is there is a finding with its name, whatever its name is', async () => {
    const folders = everythingIn(stand.store).filter((name) =>
      statSync(join(stand.store, name)).isDirectory(),
    );
    for (const folder of ['', ...folders])
      for (const { name, shown } of oddNames) {
        const path = Buffer.concat([Buffer.from(`${join(stand.store, folder)}/`), name]);
        writeFileSync(path, 'Bud1');
        const { findings, facts } = await stand.audit();
        rmSync(path);
        const messages = findings.map(({ message }) => escapeTerminal(message));
        expect(
          messages.some((message) => message.includes(shown) || message.includes(asPrintable(name))),
        ).toBe(true);
        expect([findings.length, facts.verified]).toEqual([
          1,
          SESSIONS - (folder.startsWith('sessions/') ? 1 : 0),
        ]);
      }
  });

  it.each(['signer.pem', 'ledger.json'])(
    "is a session's %s: only an evidence folder has one",
    async (name) => {
      const path = join(stand.store, 'sessions', stand.sessions[1]!, name);
      cpSync(join(stand.evidence, name), path);
      const { findings } = await stand.audit();
      rmSync(path);
      expect(findings).toEqual([
        expect.objectContaining({
          code: 'session-altered',
          session: stand.sessions[1],
          message: `object-unlisted: sessions/${stand.sessions[1]}/${name} does not belong in an evidence folder`,
        }),
      ]);
    },
  );
});

/** As a verifier's own messages have a name. */
function asPrintable(name: Buffer): string {
  const text = name.toString();
  return text
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .slice(0, 100);
}

describe('one byte that is another', () => {
  it('in any file of a store that an auditor reads, or of an evidence folder, is found', async () => {
    const read = (place: string) => !/^ledger\/(?:checkpoint$|staging\/)/.test(place);
    const stored = everythingIn(stand.store).filter(read);
    const files = [
      ...stored.map((name) => join(stand.store, name)),
      ...everythingIn(stand.evidence).map((name) => join(stand.evidence, name)),
    ].filter((path) => statSync(path).isFile());
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, at, by) => {
          const bytes = readFileSync(path);
          const altered = Uint8Array.from(bytes);
          altered[at % altered.length]! ^= by;
          const thing = { what: 'another byte', put: (place: string) => writeFileSync(place, altered) };
          await replacing(path, thing, join(stand.root, 'aside'), async () => {
            const isStored = path.startsWith(`${stand.store}/`);
            const findings = isStored ? (await stand.audit()).findings : (await verified()).findings;
            expect(findings.length, path).toBeGreaterThan(0);
          });
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('one odd thing in an evidence folder', () => {
  it('in the place of anything that is there is a finding with its name', async () => {
    for (const name of everythingIn(stand.evidence))
      for (const thing of things)
        await replacing(join(stand.evidence, name), thing, join(stand.root, 'aside'), async () => {
          const { verdict, findings } = await verified();
          const said = `${thing.what} as ${name}: ${JSON.stringify(findings)}`;
          expect(verdict, said).toBe('failed');
          expect(
            findings.some(({ object, message }) => object === name || message.includes(name)),
            said,
          ).toBe(true);
        });
  });

  it('beside what is there is a finding with its name, whatever it is', async () => {
    for (const thing of things)
      await replacing(join(stand.evidence, 'odd'), thing, join(stand.root, 'aside'), async () => {
        expect(await verified()).toMatchObject({
          verdict: 'failed',
          findings: [{ code: 'object-unlisted', object: 'odd' }],
        });
      });
    for (const { name } of oddNames) {
      const path = Buffer.concat([Buffer.from(`${stand.evidence}/`), name]);
      writeFileSync(path, '');
      const { findings } = await verified();
      rmSync(path);
      expect(findings).toEqual([expect.objectContaining({ code: 'object-unlisted' })]);
    }
  });
});

describe('the command line over one of each odd thing', () => {
  /** One of each, in every folder. */
  async function putAll(root: string): Promise<string[]> {
    const folders = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(root, name)).isDirectory() && !name.startsWith('.staging'))
      .map((name) => join(root, name));
    const put: string[] = [];
    for (const folder of [root, ...folders]) {
      for (const [n, thing] of things.filter(({ what }) => what !== 'a socket').entries()) {
        await thing.put(join(folder, `odd-${n}`));
        put.push(join(folder, `odd-${n}`).slice(root.length + 1));
      }
      for (const { name } of oddNames) writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), '');
    }
    return put;
  }

  it('custody audit names each, audits all else, and ends with 1', async () => {
    const folder = join(temporary(), 's');
    cpSync(stand.store, folder, { recursive: true });
    const put = await putAll(folder);
    const args = ['audit', folder, '--key', join(stand.root, 'k'), '--origin', ORIGIN];
    const { code, stdout, stderr } = await custody(args);
    expect([code, stderr]).toEqual([1, '']);
    for (const path of put.filter((path) => !path.startsWith('sessions/0'))) expect(stdout).toContain(path);
    expect(stdout).toContain(`${SESSIONS} session-opened, ${SESSIONS} session-closed`);
    expect(stdout).toMatch(/^FAILED {2}\d+ findings$/m);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  it('custody verify names each and ends with 1', async () => {
    const folder = join(temporary(), 'e');
    cpSync(stand.evidence, folder, { recursive: true });
    const put = await putAll(folder);
    const { code, stdout } = await custody([
      'verify',
      folder,
      '--key',
      join(stand.root, 'k'),
      '--origin',
      ORIGIN,
    ]);
    expect(code).toBe(1);
    for (const path of put) expect(stdout).toContain(path);
    expect(stdout).toMatch(/^ledger +opening and end proved/m);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  it('custody audit and custody ledger witness say that they could not run where the checkpoint, the kept one or the key is one', async () => {
    const folder = temporary();
    const key = ['--key', join(stand.root, 'k'), '--origin', ORIGIN];
    for (const [n, thing] of things.entries()) {
      const [odd, copy] = [join(folder, `o${n}`), join(folder, `c${n}`)];
      await thing.put(odd, join(stand.root, 'nothing'));
      mkdirSync(join(copy, 'ledger'), { recursive: true });
      await thing.put(join(copy, 'ledger', 'checkpoint'), '/nonexistent');
      const ways = [
        ['audit', stand.store, ...key, '--since-checkpoint', odd],
        ['audit', stand.store, '--key', odd],
        ['audit', copy, ...key],
        ['verify', stand.evidence, '--key', odd],
        ['ledger', 'witness', copy, ...key, '--out', join(folder, 'out')],
      ];
      const ran = await custody(ways[n % ways.length]!);
      expect([thing.what, ran]).toEqual([
        thing.what,
        { code: 2, stdout: '', stderr: expect.stringMatching(/^custody: /) },
      ]);
    }
  });

  it('what may not be read is a finding', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('root alone can become somebody else');
    const folder = join(stand.root, 'unreadable');
    cpSync(stand.evidence, folder, { recursive: true });
    chmodSync(join(folder, '00000000.seg'), 0);
    chmodSync(stand.root, 0o755);
    const asNobody = [
      '--reuid',
      '65534',
      '--clear-groups',
      process.execPath,
      'cli/custody.mjs',
      'verify',
      folder,
    ];
    const run = (): string =>
      execFileSync('setpriv', [...asNobody, '--key', join(stand.root, 'k'), '--origin', ORIGIN], {
        env: { HOME: '/nonexistent' },
        encoding: 'utf8',
      });
    expect(run).toThrow(
      expect.objectContaining({
        status: 1,
        stdout: expect.stringContaining('00000000.seg cannot be read') as string,
      }),
    );
  });
});
