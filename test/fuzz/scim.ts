import { randomUUID } from 'node:crypto';
import { asCustodyError } from '#core/errors.ts';
import { parseFilter, parsePath } from '#core/identity/scim/filter.ts';
import { type DirectoryGroup, groupFrom, MEMBERS_MAX, patchedGroup } from '#core/identity/scim/group.ts';
import { parsePatch } from '#core/identity/scim/patch.ts';
import { scimTypeOf } from '#core/identity/scim/refusal.ts';
import { type DirectoryUser, patchedUser, userFrom } from '#core/identity/scim/user.ts';
import { parseJsonBytes } from '#core/json.ts';
import { entra, okta } from '#test/support/directory-calls.ts';
import type { FuzzTarget } from './target.ts';

const [one, two] = [randomUUID(), randomUUID()];
const user: DirectoryUser = { externalId: '00u1', userName: 'dana', active: true, emails: [] };
const group: DirectoryGroup = { displayName: 'dbas', members: [one] };

/** What directories send: whatever is taken is a person or a group that is whole and bounded. */
const bodies: FuzzTarget = {
  name: 'scim-bodies',
  seeds: () =>
    [
      okta.create('00u1', 'dana@example.com'),
      okta.put(one, 'dana@example.com', false),
      okta.patchActive(false),
      okta.createGroup('dbas'),
      okta.rename(one, 'admins'),
      okta.swapMember(one, two),
      okta.replaceMembers(one, two),
      entra.create('oid', 'dana@example.com'),
      entra.update('d@example.com'),
      entra.textActive('False'),
      entra.removeMember(one),
    ].map((body) => Buffer.from(JSON.stringify(body))),
  run: (bytes) => {
    const body = survive(() => parseJsonBytes(bytes, 64 << 10));
    for (const read of [() => userFrom(body), () => patchedUser(user, parsePatch(body))])
      checkUser(survive(read));
    for (const read of [() => groupFrom(body), () => patchedGroup(group, parsePatch(body))])
      checkGroup(survive(read));
  },
};

const filters: FuzzTarget = {
  name: 'scim-filters',
  seeds: () =>
    [
      'userName eq "dana@example.com"',
      `id eq "${one}" and members eq "${two}"`,
      'emails[type eq "work" and primary eq true].value',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department',
    ].map((text) => Buffer.from(text)),
  run: (bytes) => {
    const text = Buffer.from(bytes).toString();
    survive(() => parseFilter(text));
    survive(() => parsePath(text));
  },
};

export const targets: readonly FuzzTarget[] = [bodies, filters];

function checkUser(read: DirectoryUser | undefined): void {
  if (read === undefined) return;
  if (typeof read.active !== 'boolean') throw new Error('neither active nor not');
  for (const name of [read.externalId, read.userName])
    if (typeof name !== 'string' || name === '' || name.length > 256) throw new Error('a name that is none');
  if (read.emails.length > 20) throw new Error('addresses without end');
}

function checkGroup(read: DirectoryGroup | undefined): void {
  if (read === undefined) return;
  if (typeof read.displayName !== 'string' || read.displayName === '')
    throw new Error('a group without a name');
  if (new Set(read.members).size !== read.members.length || read.members.length > MEMBERS_MAX)
    throw new Error('members twice, or without end');
}

/** A refusal that a directory understands, or one of the reader of JSON. */
function survive<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    const error = asCustodyError(thrown);
    if (scimTypeOf(error) === undefined && error.code !== 'format-invalid') throw thrown;
    return undefined;
  }
}
