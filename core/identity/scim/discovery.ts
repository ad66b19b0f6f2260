/** What a directory can find out about these endpoints (RFC 7643 sections 5 to 7). */
import { kinds } from './kinds.ts';
import type { Json } from './messages.ts';

/** Resources in one answer. */
export const RESULTS_MAX = 200;

export function serviceProviderConfig(base: string): Json {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: RESULTS_MAX },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: false },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer secret',
        description: 'a secret that custody.yaml names, in the Authorization header',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

export function resourceTypes(base: string): readonly Json[] {
  return Object.entries(kinds).map(([name, { schema, endpoint }]) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: name,
    name,
    endpoint: `/${endpoint}`,
    schema,
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  }));
}

export function schemas(base: string): readonly Json[] {
  return [
    schemaOf(base, kinds.User.schema, 'User', [
      {
        ...text('externalId', 'equal to a claim of the tokens of the person'),
        ...{ required: true, caseExact: true, uniqueness: 'server' },
      },
      { ...text('userName', 'how the directory calls the person'), required: true, uniqueness: 'server' },
      text('displayName', 'for people to read'),
      attribute('active', 'boolean', 'who is not may do nothing, and their sessions end'),
      {
        ...attribute('emails', 'complex', 'by which the person is known at other issuers'),
        multiValued: true,
        subAttributes: [
          text('value', 'an address'),
          text('type', 'such as work'),
          attribute('primary', 'boolean', 'the one to use'),
        ],
      },
    ]),
    schemaOf(base, kinds.Group.schema, 'Group', [
      { ...text('displayName', 'how rules call the group'), required: true, uniqueness: 'server' },
      {
        ...attribute('members', 'complex', 'users'),
        multiValued: true,
        subAttributes: [{ ...text('value', 'the id of a user'), mutability: 'immutable', caseExact: true }],
      },
    ]),
  ];
}

function schemaOf(base: string, id: string, name: string, attributes: readonly Json[]): Json {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id,
    name,
    description: name,
    attributes,
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
  };
}

function text(name: string, description: string): Json {
  return { ...attribute(name, 'string', description), caseExact: false, uniqueness: 'none' };
}

function attribute(name: string, type: string, description: string): Json {
  return {
    name,
    type,
    multiValued: false,
    description,
    required: false,
    mutability: 'readWrite',
    returned: 'default',
  };
}
