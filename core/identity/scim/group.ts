/** Groups as a directory tells of them (RFC 7643 section 4.2). */
import type { Term } from './filter.ts';
import { listOf, membersOf, messageOf, requiredText, textOf } from './input.ts';
import { type Change, isWhole } from './patch.ts';
import { scimRefusal } from './refusal.ts';

export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
/** What fits into an item of every store. */
export const MEMBERS_MAX = 5_000;
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface DirectoryGroup {
  readonly displayName: string;
  readonly externalId?: string | undefined;
  /** The ids of users, as they were given out here; each once. */
  readonly members: readonly string[];
}

/** Of POST and PUT. Throws a refusal. */
export function groupFrom(body: unknown): DirectoryGroup {
  const given = messageOf(body, GROUP_SCHEMA);
  return {
    displayName: requiredText(given['displayname'], 'displayName'),
    externalId: textOf(given['externalid'], 'externalId'),
    members: bounded(membersFrom(given['members'])),
  };
}

/** Throws a refusal. */
export function patchedGroup(group: DirectoryGroup, changes: readonly Change[]): DirectoryGroup {
  return changes.reduce(patched, group);
}

function patched(group: DirectoryGroup, change: Change): DirectoryGroup {
  const { op, path, value } = change;
  const given = op === 'remove' ? undefined : value;
  switch (path.attribute) {
    case 'displayname':
      return { ...group, displayName: isWhole(change) ? requiredText(given, 'displayName') : '' };
    case 'externalid':
      return { ...group, externalId: isWhole(change) ? textOf(given, 'externalId') : '' };
    case 'members':
      return { ...group, members: bounded(patchedMembers(group.members, change)) };
    default:
      return group;
  }
}

function patchedMembers(members: readonly string[], { op, path, value }: Change): readonly string[] {
  if (path.filter !== undefined && op !== 'remove')
    throw scimRefusal('invalidPath', 'members that a filter chooses can only be removed');
  const named = path.filter === undefined ? membersFrom(value) : [memberIn(path.filter)];
  if (op === 'add') return [...members, ...named];
  if (op === 'replace') return named;
  // Without a filter and a value all go; Entra names those that go in the value.
  if (path.filter === undefined && value === undefined) return [];
  const gone = new Set(named);
  return members.filter((member) => !gone.has(member));
}

/** `members[value eq "…"]` is all that directories send. */
function memberIn([term, ...others]: readonly Term[]): string {
  if (term?.attribute === 'value' && typeof term.value === 'string' && others.length === 0)
    return term.value.toLowerCase();
  throw scimRefusal('invalidPath', 'members are chosen by their value alone');
}

function membersFrom(value: unknown): readonly string[] {
  return listOf(value).map((member) => {
    const id = typeof member === 'string' ? member : membersOf(member, 'a member')['value'];
    if (typeof id === 'string' && ID.test(id)) return id.toLowerCase();
    throw scimRefusal('invalidValue', 'a member is named by the id of a user, as it was given out here');
  });
}

function bounded(members: readonly string[]): readonly string[] {
  const once = [...new Set(members)];
  if (once.length <= MEMBERS_MAX) return once;
  throw scimRefusal('tooMany', `a group has more than ${MEMBERS_MAX} members`);
}
