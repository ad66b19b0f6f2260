/** SSH's own part of the OpenAPI document. */
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { nothingBody } from '../access/shapes.ts';
import { answers, operation } from '../operation.ts';
import {
  certificateBody,
  certificatePageShape,
  certificateShape,
  certificatesQuery,
  revocationBody,
  revocationShape,
  serial,
  sshShape,
} from './shapes.ts';

export const sshPaths: ZodOpenApiPathsObject = {
  '/v1/ssh': {
    get: operation(
      'getSsh',
      'Where the gateway speaks SSH, the keys that it proves itself with, and its CAs',
      {
        responses: answers(sshShape, '400', '401', '404'),
      },
    ),
  },
  '/v1/ssh/certificates': {
    get: operation('listSshCertificates', 'Your SSH certificates, newest first', {
      requestParams: { query: certificatesQuery },
      responses: answers(certificatePageShape, '400', '401'),
    }),
    post: operation('issueSshCertificate', 'Get an OpenSSH certificate for a key of yours', {
      body: certificateBody,
      responses: answers({ '201': certificateShape }, '400', '401', '403', '422'),
    }),
  },
  '/v1/ssh/certificates/{serial}/revoke': {
    post: operation(
      'revokeSshCertificate',
      'Take a certificate back: yours, or anybody’s for who administers',
      {
        requestParams: { path: z.object({ serial }) },
        body: nothingBody,
        responses: answers({ '202': revocationShape }, '400', '401', '404'),
      },
    ),
  },
  '/v1/ssh/revocations': {
    post: operation(
      'revokeSshCertificates',
      'Take back all certificates that a person or a key has until now',
      {
        body: revocationBody,
        responses: answers({ '202': revocationShape }, '400', '401', '403'),
      },
    ),
  },
};
