import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import { ERROR_SCHEMA } from '#core/identity/scim/messages.ts';

const path = z.object({
  issuer: z.string().max(63).meta({ description: 'its name in custody.yaml', example: 'okta' }),
  proxy: z.string().max(512).meta({ description: 'Users, Groups, …', example: 'Users' }),
});
const resource = z
  .looseObject({})
  .meta({ id: 'ScimMessage', description: 'as RFC 7643 and RFC 7644 have it' });
const failure = z
  .object({
    schemas: z.tuple([z.literal(ERROR_SCHEMA)]),
    status: z.string(),
    scimType: z.string().optional(),
    detail: z.string(),
  })
  .meta({ id: 'ScimError' });
const content = { 'application/scim+json': { schema: resource } };

/** SCIM describes itself: `ResourceTypes` and `Schemas` say what there is. */
export const scimPaths: ZodOpenApiPathsObject = {
  '/v1/scim/{issuer}/v2/{proxy}': {
    get: operation('readDirectory', 'Read what the directory told'),
    post: operation('addToDirectory', 'Tell of somebody, or of a group', 'body'),
    put: operation('replaceInDirectory', 'Tell anew of somebody, or of a group', 'body'),
    patch: operation('changeInDirectory', 'Tell what has changed', 'body'),
    delete: operation('removeFromDirectory', 'Tell that there is no such person, or group, any more'),
  },
};

function operation(operationId: string, summary: string, body?: 'body'): ZodOpenApiOperationObject {
  const failures = ['400', '401', '403', '404', '405', '409', '429', '500', '503'].map((status) => [
    status,
    { description: 'an error', content: { 'application/scim+json': { schema: failure } } },
  ]);
  return {
    operationId,
    summary: `For identity providers (SCIM 2.0): ${summary}`,
    security: [{ scim: [] }],
    requestParams: { path },
    ...(body === undefined ? {} : { requestBody: { required: true, content } }),
    responses: {
      '200': { description: 'OK', content },
      '201': { description: 'made', content },
      '204': { description: 'gone' },
      ...Object.fromEntries(failures),
    },
  };
}
