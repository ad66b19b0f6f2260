/** What is answered to directories: resources, lists, errors (RFC 7643, RFC 7644). */

import type { DirectoryGroup } from './group.ts';
import { kinds } from './kinds.ts';
import type { ScimType } from './refusal.ts';
import type { Entry } from './store.ts';
import type { DirectoryUser } from './user.ts';

export const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

export type Json = Readonly<Record<string, unknown>>;

/** `base`: the address of the directory's endpoints here. */
export function resourceOf(entry: Entry, base: string): Json {
  const { kind, id, createdAt, changedAt, resource } = entry;
  const { schema, endpoint } = kinds[kind];
  const own =
    kind === 'User' ? userMembers(resource as DirectoryUser) : groupMembers(resource as DirectoryGroup);
  return {
    schemas: [schema],
    id,
    ...own,
    meta: {
      resourceType: kind,
      created: createdAt,
      lastModified: changedAt,
      location: `${base}/${endpoint}/${id}`,
    },
  };
}

function userMembers({ externalId, userName, displayName, active, emails }: DirectoryUser): Json {
  return {
    externalId,
    userName,
    ...(displayName === undefined ? {} : { displayName }),
    active,
    ...(emails.length === 0 ? {} : { emails }),
  };
}

function groupMembers({ displayName, externalId, members }: DirectoryGroup): Json {
  return {
    ...(externalId === undefined ? {} : { externalId }),
    displayName,
    ...(members.length === 0 ? {} : { members: members.map((value) => ({ value })) }),
  };
}

/** `startIndex` counts from 1. */
export function listOfResources(resources: readonly Json[], total: number, startIndex: number): Json {
  return {
    schemas: [LIST_SCHEMA],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}

export function errorMessage(status: number, detail: string, scimType?: ScimType): Json {
  return {
    schemas: [ERROR_SCHEMA],
    status: String(status),
    ...(scimType === undefined ? {} : { scimType }),
    detail,
  };
}

const ALWAYS = ['schemas', 'id'];

/** What was asked for of a resource (RFC 7644 section 3.9): attributes as a whole, in any case. */
export function chosen(resource: Json, attributes: string | null, excluded: string | null): Json {
  const names = (list: string | null): readonly string[] =>
    (list ?? '').split(',').map((name) => name.trim().toLowerCase().replace(/^.*:/, '').replace(/\..*$/, ''));
  const [wanted, unwanted] = [names(attributes), names(excluded)];
  const isWanted = (name: string): boolean =>
    attributes === null || attributes === '' ? !unwanted.includes(name) : wanted.includes(name);
  return Object.fromEntries(
    Object.entries(resource).filter(([name]) => ALWAYS.includes(name) || isWanted(name.toLowerCase())),
  );
}
