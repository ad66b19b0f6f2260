import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { issueCertificate } from '#core/access/ssh-certificates/issue.ts';
import { certificateVerifier } from '#core/access/ssh-certificates/verifier.ts';
import type { Principal } from '#core/identity/principal.ts';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import {
  directoryGroups,
  withDirectoryGroups,
  withGroupsOfNow,
} from '#core/identity/scim/groups-verifier.ts';
import type { Directory } from '#core/identity/scim/meaning.ts';
import { parsePatch } from '#core/identity/scim/patch.ts';
import { scimStanding } from '#core/identity/scim/standing.ts';
import { caKeyOf } from '#core/protocols/ssh/keys/certificate-make.ts';
import { CA, KEY, NOW, POLICY, proved } from '#test/core/access/ssh-certificates/support.ts';
import { entra, okta } from '#test/support/directory-calls.ts';
import { MemoryScim } from '#test/support/memory-scim.ts';

const OKTA: Directory = { name: 'okta', issuer: 'https://okta.example', groupsCount: true };
const ENTRA: Directory = { name: 'entra', issuer: 'https://entra.example', groupsCount: true };

const CONFIG = `version: 1
identity:
  - name: okta
    issuer: https://okta.example
    audience: custody
    scim: { tokenFile: a, groups: also-as-groups, unknown: allow }
  - name: entra
    issuer: https://entra.example
    audience: custody
    groupsPrefix: "entra:"
    scim: { tokenFile: b, userClaim: oid }
  - { name: ci, issuer: https://ci.example, audience: custody, kind: workload, match: { repository: acme } }
targets: {}
`;

function config(unknown: 'allow' | 'deny' = 'allow'): Config {
  return parseConfig(CONFIG.replace('unknown: allow', `unknown: ${unknown}`), 'custody.yaml');
}

/** Two directories, and who is let in by what they say. */
function stand(policy = config()) {
  let reads = 0;
  const memory = new MemoryScim();
  const store = Object.assign(memory, {
    marks: async () => {
      reads += 1;
      return MemoryScim.prototype.marks.call(memory);
    },
  });
  let ids = 0;
  const newId = (): string => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`;
  const leaves = { add: async () => undefined };
  const desk = new ScimDesk({ store, leaves, now: () => new Date(0), newId });
  const standing = scimStanding({ policy: () => policy, store });
  return {
    desk,
    store,
    policy,
    reads: () => reads,
    isOut: async (...people: readonly Principal[]) =>
      (await standing.over(people)).map((one) => one !== undefined),
    why: async (person: Principal) => (await standing.over([person]))[0]?.error.message,
  };
}

function person(subject: string, more: Partial<Principal> = {}): Principal {
  return {
    ...{ issuer: 'https://okta.example', issuerName: 'okta', subject, groups: [] },
    expiresAt: new Date(1e12),
    ...more,
  };
}

const atEntra = (oid: string, more: Partial<Principal> = {}): Principal =>
  person('pairwise', { issuer: 'https://entra.example', issuerName: 'entra', directoryId: oid, ...more });
const off = parsePatch(okta.patchActive(false));
const on = parsePatch(okta.patchActive(true));

describe('who a directory says is not active', () => {
  it('is out until it says otherwise; whom it never told of is not affected', async () => {
    const { desk, isOut, why } = stand();
    const { id } = await desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    expect(await isOut(person('00u1'), person('00u2'))).toEqual([false, false]);
    await desk.patch(OKTA, 'User', id, off);
    expect(await isOut(person('00u1'), person('00u2'))).toEqual([true, false]);
    expect(await why(person('00u1'))).toContain('deactivated');
    await desk.patch(OKTA, 'User', id, on);
    expect(await isOut(person('00u1'))).toEqual([false]);
    await desk.remove(OKTA, 'User', id);
    expect(await isOut(person('00u1'))).toEqual([true]);
  });

  it('is known by the claim that the file names, never by the subject beside it', async () => {
    const { desk, isOut } = stand();
    const { id } = await desk.create(ENTRA, 'User', entra.create('oid-1', 'dana'));
    await desk.patch(ENTRA, 'User', id, off);
    expect(await isOut(atEntra('oid-1'), atEntra('oid-2'))).toEqual([true, false]);
    expect(await isOut(atEntra('oid-2', { subject: 'oid-1' }))).toEqual([false]);
    // The same text is another person at another issuer.
    expect(await isOut(person('oid-1'))).toEqual([false]);
  });

  it('takes along who acts for them, and who cannot act any more', async () => {
    const { desk, isOut } = stand();
    const agent = { issuer: 'https://okta.example', subject: '00u1' };
    const other = { issuer: 'https://ci.example', subject: '00u1' };
    const { id } = await desk.create(OKTA, 'User', okta.create('00u1', 'agent@example.com'));
    await desk.patch(OKTA, 'User', id, off);
    expect(await isOut(person('00u1', { actors: [other] }))).toEqual([true]);
    expect(await isOut(person('00u2', { actors: [other, agent] }))).toEqual([true]);
    expect(await isOut(person('00u2', { actors: [other] }))).toEqual([false]);
  });

  it('is out at other issuers by their e-mail address, verified or not', async () => {
    const { desk, isOut } = stand();
    const { id } = await desk.create(OKTA, 'User', okta.create('00u1', 'Dana@Example.com'));
    await desk.patch(OKTA, 'User', id, off);
    expect(await isOut(atEntra('o', { email: 'dana@example.com' }))).toEqual([true]);
    expect(await isOut(atEntra('o', { unverifiedEmail: 'dana@example.com' }))).toEqual([true]);
    expect(await isOut(atEntra('o', { email: 'rui@example.com' }))).toEqual([false]);
  });

  it('leaves their address to whoever has it after them', async () => {
    const { desk, isOut } = stand();
    const first = await desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    await desk.patch(OKTA, 'User', first.id, off);
    await desk.remove(OKTA, 'User', first.id);
    // At the directory's own issuer an address says nothing.
    expect(await isOut(person('00u2', { email: 'dana@example.com' }))).toEqual([false]);
    await desk.create(OKTA, 'User', okta.create('00u2', 'dana@example.com'));
    expect(await isOut(atEntra('o', { email: 'dana@example.com' }))).toEqual([false]);
    expect(await isOut(person('00u1'))).toEqual([true]);
  });

  it('stays out under the externalId that they had', async () => {
    const { desk, isOut } = stand();
    const { id } = await desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    const rename = { op: 'replace', path: { attribute: 'externalid' }, value: '00u9' } as const;
    await desk.patch(OKTA, 'User', id, [rename]);
    expect(await isOut(person('00u1'), person('00u9'))).toEqual([true, false]);
  });

  it('is nobody who only got another externalId, at no issuer', async () => {
    const { desk, isOut } = stand();
    const { id } = await desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    await desk.replace(OKTA, 'User', id, okta.create('00u9', 'dana@example.com'));
    expect(await isOut(person('00u9'), atEntra('o', { email: 'dana@example.com' }))).toEqual([false, false]);
    await desk.patch(OKTA, 'User', id, off);
    // Active again, and under another name, in one message.
    await desk.replace(OKTA, 'User', id, { ...okta.create('00u10', 'dana@example.com'), active: true });
    expect(await isOut(person('00u10'), atEntra('o', { email: 'dana@example.com' }))).toEqual([false, false]);
    expect(await isOut(person('00u1'), person('00u9'))).toEqual([true, true]);
  });

  it('stays out when the file gives their issuer another address, or its directory another name', async () => {
    const { desk, store, isOut } = stand();
    const { id } = await desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    await desk.patch(OKTA, 'User', id, off);
    const isOutUnder = async (from: string, to: string, who: Partial<Principal>): Promise<boolean> => {
      const text = CONFIG.replaceAll(from, to);
      const standing = scimStanding({ policy: () => parseConfig(text, 'custody.yaml'), store });
      return (await standing.over([person('00u1', who)]))[0] !== undefined;
    };
    const moved = 'https://login.okta.example';
    expect(await isOutUnder('https://okta.example', moved, { issuer: moved })).toBe(true);
    expect(await isOutUnder('name: okta', 'name: staff', { issuerName: 'staff' })).toBe(true);
    expect(await isOut(person('00u2'))).toEqual([false]);
    // Not by what another directory of the same issuer says: only by their own, under its new name.
    const says = async (names: readonly string[]): Promise<void> => {
      const staff = { ...OKTA, name: 'staff', names };
      const made = await desk.create(staff, 'User', okta.create('00u1', 'dana@example.com'));
      await desk.remove({ ...staff, issuer: 'https://elsewhere.example' }, 'User', made.id);
    };
    await says(['staff', 'okta']);
    expect(await isOut(person('00u1'))).toEqual([true]);
    await says(['staff']);
    expect(await isOut(person('00u1'))).toEqual([false]);
  });

  it('is whoever the directory does not know, where the file says so', async () => {
    const { desk, isOut, why } = stand(config('deny'));
    expect(await why(person('00u1'))).toContain('does not know you');
    await desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    expect(await isOut(person('00u1'), person('00u2'), atEntra('never told of'))).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('is read once for as long as nothing changes', async () => {
    const { desk, isOut, reads } = stand();
    const { id } = await desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    const before = reads();
    for (let looks = 0; looks < 5; looks += 1) await isOut(person('00u1'));
    expect(reads() - before).toBe(1);
    await desk.patch(OKTA, 'User', id, off);
    expect(await isOut(person('00u1'))).toEqual([true]);
  });

  it('is not asked for where no issuer has a directory', async () => {
    const none = parseConfig(
      'version: 1\nidentity: { issuer: https://okta.example, audience: custody }\ntargets: {}\n',
      'custody.yaml',
    );
    const standing = scimStanding({
      policy: () => none,
      store: {
        changes: () => Promise.reject(new Error('asked')),
        marks: () => Promise.reject(new Error('asked')),
        find: () => Promise.reject(new Error('asked')),
      },
    });
    expect(await standing.over([person('00u1')])).toEqual([undefined]);
  });

  it('is never guessed at: what cannot be read rejects, and is asked for again', async () => {
    const { store, policy } = stand(config('deny'));
    let broken = true;
    const find: MemoryScim['find'] = async (...place) => {
      if (broken) throw new Error('away');
      return store.find(...place);
    };
    const changes: MemoryScim['changes'] = (kind) => store.changes(kind);
    const standing = scimStanding({
      policy: () => policy,
      store: { changes, marks: () => store.marks(), find },
    });
    await expect(standing.over([person('00u1')])).rejects.toThrow('away');
    broken = false;
    expect((await standing.over([person('00u1')]))[0]?.reason).toBe('revoked');
  });
});

describe('groups of a directory', () => {
  const groupsOf = async (
    { store, policy }: ReturnType<typeof stand>,
    principal: Principal,
  ): Promise<readonly string[]> => {
    const verifier = { verify: async () => principal };
    const groups = directoryGroups({ policy: () => policy, store });
    return (await withDirectoryGroups(verifier, groups).verify('token')).groups;
  };

  it('count beside those of the token, where the file says so', async () => {
    const at = stand();
    const { id } = await at.desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    const group = await at.desk.create(OKTA, 'Group', okta.createGroup('dbas'));
    await at.desk.patch(OKTA, 'Group', group.id, parsePatch(entra.addMember(id)));
    expect(await groupsOf(at, person('00u1', { groups: ['developers', 'dbas'] }))).toEqual([
      'developers',
      'dbas',
    ]);
    expect(await groupsOf(at, person('00u1'))).toEqual(['dbas']);
    expect(await groupsOf(at, person('00u2', { groups: ['developers'] }))).toEqual(['developers']);
    // Entra's are not asked for.
    const other = await at.desk.create(ENTRA, 'User', entra.create('oid', 'dana'));
    const theirs = await at.desk.create(ENTRA, 'Group', okta.createGroup('dbas'));
    await at.desk.patch(ENTRA, 'Group', theirs.id, parsePatch(entra.addMember(other.id)));
    expect(await groupsOf(at, atEntra('oid'))).toEqual([]);
  });

  it('are not all known where there are more than can be looked at: what denies by group then counts against them', async () => {
    const at = stand();
    const { id } = await at.desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    const verify = directoryGroups({ policy: () => at.policy, store: at.store });
    for (let n = 0; n < 1_000; n += 1) await at.desk.create(OKTA, 'Group', okta.createGroup(`g${n}`));
    expect(await verify(person('00u1'))).not.toHaveProperty('groupsOmittedByIssuer');
    const last = await at.desk.create(OKTA, 'Group', okta.createGroup('suspended'));
    await at.desk.patch(OKTA, 'Group', last.id, parsePatch(entra.addMember(id)));
    expect(await verify(person('00u1'))).toMatchObject({ groups: [], groupsOmittedByIssuer: true });
  });

  it("are gone with the next login once somebody left them, and never pass for another issuer's", async () => {
    const at = stand();
    const { id } = await at.desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    const [own, foreign] = [
      await at.desk.create(OKTA, 'Group', okta.createGroup('dbas')),
      await at.desk.create(OKTA, 'Group', okta.createGroup('entra:admins')),
    ];
    const verify = directoryGroups({ policy: () => at.policy, store: at.store });
    for (const group of [own, foreign])
      await at.desk.patch(OKTA, 'Group', group.id, parsePatch(entra.addMember(id)));
    expect((await verify(person('00u1'))).groups).toEqual(['dbas']);
    await at.desk.patch(OKTA, 'Group', own.id, parsePatch(entra.removeMember(id)));
    expect((await verify(person('00u1'))).groups).toEqual([]);
  });

  it('are not in a certificate, but asked for whenever it is shown (security case 12)', async () => {
    const at = stand();
    const { id } = await at.desk.create(OKTA, 'User', okta.create('00u1', 'dana@example.com'));
    const group = await at.desk.create(OKTA, 'Group', okta.createGroup('dbas'));
    await at.desk.patch(OKTA, 'Group', group.id, parsePatch(entra.addMember(id)));
    const groups = directoryGroups({ policy: () => at.policy, store: at.store });
    const caller = await groups(person('00u1', { groups: ['developers'] }));
    expect(caller).toMatchObject({ groups: ['developers', 'dbas'], toldGroups: ['dbas'] });
    const circumstances = { policy: { ...POLICY, issuers: at.policy.issuers }, now: NOW, serial: 1n };
    const { certificate } = await issueCertificate({ key: KEY }, caller, circumstances, CA);
    const certificates = certificateVerifier({
      cas: () => [caKeyOf(CA.der)],
      policy: () => at.policy,
      now: () => NOW,
    });
    const shown = () => withGroupsOfNow(certificates, groups).verify(certificate, proved(), undefined);
    expect((await shown()).groups).toEqual(['developers', 'dbas']);
    await at.desk.patch(OKTA, 'Group', group.id, parsePatch(entra.removeMember(id)));
    expect((await shown()).groups).toEqual(['developers']);
  });
});
