/** What users and groups differ in. */
import { type DirectoryGroup, GROUP_SCHEMA, groupFrom, patchedGroup } from './group.ts';
import type { Change } from './patch.ts';
import type { Entry, Kind } from './store.ts';
import { type DirectoryUser, patchedUser, USER_SCHEMA, userFrom } from './user.ts';

export type ResourceOf<K extends Kind> = Entry<K>['resource'];

interface KindOf<Resource> {
  readonly schema: string;
  readonly endpoint: string;
  /** Attributes by which one is found, in lower case, and what of their values is compared. */
  readonly keys: Readonly<Record<string, (value: string) => string>>;
  from(body: unknown, before?: Resource): Resource;
  patched(resource: Resource, changes: readonly Change[]): Resource;
  names(resource: Resource): readonly string[];
}

const exactly = (value: string): string => value;
/** RFC 7643 section 2.2: a string's case does not count where the schema does not say so. */
const anyCase = (value: string): string => value.toLowerCase();

const users: KindOf<DirectoryUser> = {
  schema: USER_SCHEMA,
  endpoint: 'Users',
  keys: { username: anyCase, externalid: exactly },
  from: userFrom,
  patched: patchedUser,
  names: ({ userName, externalId }) => [`username:${anyCase(userName)}`, `externalid:${externalId}`],
};

/** Rules know a group by its name: two of one name would be one. */
const groups: KindOf<DirectoryGroup> = {
  schema: GROUP_SCHEMA,
  endpoint: 'Groups',
  keys: { displayname: anyCase, externalid: exactly },
  from: groupFrom,
  patched: patchedGroup,
  names: ({ displayName, externalId }) => [
    `displayname:${anyCase(displayName)}`,
    ...(externalId === undefined ? [] : [`externalid:${externalId}`]),
  ],
};

export const kinds = { User: users, Group: groups } as const;

export function kindOf<K extends Kind>(kind: K): KindOf<ResourceOf<K>> {
  return kinds[kind] as unknown as KindOf<ResourceOf<K>>;
}

/** The name by which `attribute eq value` is looked up; undefined where it cannot be. */
export function nameFor(kind: Kind, attribute: string, value: unknown): string | undefined {
  const { keys } = kinds[kind];
  if (typeof value !== 'string' || !Object.hasOwn(keys, attribute)) return undefined;
  return `${attribute}:${keys[attribute]!(value)}`;
}
