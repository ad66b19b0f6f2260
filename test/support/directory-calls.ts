/** What Okta's and Entra's provisioning agents send, as their documents write it. */

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** developer.okta.com/docs/reference/scim/scim-20 */
export const okta = {
  create: (externalId: string, userName: string) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName,
    name: { givenName: 'Test', familyName: 'User' },
    emails: [{ primary: true, value: userName, type: 'work' }],
    displayName: 'Test User',
    locale: 'en-US',
    externalId,
    groups: [],
    password: '1mz050nq',
    active: true,
  }),
  /** An app made with the wizard sends everything with PUT, and no externalId. */
  put: (id: string, userName: string, active: boolean) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    id,
    userName,
    name: { givenName: 'Another', middleName: 'Excited', familyName: 'User' },
    emails: [{ primary: true, value: userName, type: 'work', display: userName }],
    active,
    groups: [],
    meta: { resourceType: 'User' },
  }),
  patchActive: (active: boolean) => ({
    schemas: [PATCH],
    Operations: [{ op: 'replace', value: { active } }],
  }),
  createGroup: (displayName: string) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName,
    members: [],
  }),
  rename: (id: string, displayName: string) => ({
    schemas: [PATCH],
    Operations: [{ op: 'replace', value: { id, displayName } }],
  }),
  swapMember: (out: string, into: string) => ({
    schemas: [PATCH],
    Operations: [
      { op: 'remove', path: `members[value eq "${out}"]` },
      { op: 'add', path: 'members', value: [{ value: into, display: 'test.user@okta.local' }] },
    ],
  }),
  replaceMembers: (...ids: readonly string[]) => ({
    schemas: [PATCH],
    Operations: [
      {
        op: 'replace',
        path: 'members',
        value: ids.map((value) => ({ value, display: 'test.user@okta.local' })),
      },
    ],
  }),
};

/** learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups */
export const entra = {
  create: (externalId: string, userName: string) => ({
    schemas: [
      'urn:ietf:params:scim:schemas:core:2.0:User',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
    ],
    externalId,
    userName,
    active: true,
    emails: [{ primary: true, type: 'work', value: userName }],
    meta: { resourceType: 'User' },
    name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
    roles: [],
  }),
  update: (email: string) => ({
    schemas: [PATCH],
    Operations: [
      { op: 'Replace', path: 'emails[type eq "work"].value', value: email },
      { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
      {
        op: 'Add',
        path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department',
        value: 'Sales',
      },
    ],
  }),
  disable: () => ({
    Operations: [{ op: 'Replace', path: 'active', value: false }],
    schemas: [PATCH],
  }),
  /** Without its flag for conformance (aadOptscim062020). */
  textActive: (value: string) => ({
    schemas: [PATCH],
    Operations: [{ op: 'Replace', path: 'active', value }],
  }),
  createGroup: (externalId: string, displayName: string) => ({
    schemas: [
      'urn:ietf:params:scim:schemas:core:2.0:Group',
      'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group',
    ],
    externalId,
    displayName,
    meta: { resourceType: 'Group' },
  }),
  addMember: (id: string) => ({
    schemas: [PATCH],
    Operations: [{ op: 'Add', path: 'members', value: [{ $ref: null, value: id }] }],
  }),
  removeMember: (id: string) => ({
    schemas: [PATCH],
    Operations: [{ op: 'Remove', path: 'members', value: [{ $ref: null, value: id }] }],
  }),
};
