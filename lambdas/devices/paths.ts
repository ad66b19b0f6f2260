import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { answers, operation } from '../operation.ts';
import {
  challengeShape,
  deviceId,
  devicePageShape,
  deviceShape,
  devicesQuery,
  nothingBody,
  registrationBody,
  revocationBody,
} from './shapes.ts';

const path = z.object({ id: deviceId });

/** People's devices: keys that they register. */
export const devicePaths: ZodOpenApiPathsObject = {
  '/v1/devices/challenge': {
    post: operation('challengeDevice', 'Something to sign with the key of a device', {
      body: nothingBody,
      responses: answers({ '201': challengeShape }, '400', '401', '403'),
    }),
  },
  '/v1/devices': {
    get: operation('listDevices', 'Your devices, somebody’s, or those that wait for reviewers', {
      requestParams: { query: devicesQuery },
      responses: answers(devicePageShape, '400', '401', '403'),
    }),
    post: operation('registerDevice', 'Register a key as a device of yours', {
      body: registrationBody,
      responses: answers({ '201': deviceShape }, '400', '401', '403', '409', '422'),
    }),
  },
  '/v1/devices/{id}': {
    get: operation('getDevice', 'One device', {
      requestParams: { path },
      responses: answers(deviceShape, '401', '404'),
    }),
  },
  '/v1/devices/{id}/approve': {
    post: operation('approveDevice', 'Approve somebody’s device', {
      requestParams: { path },
      body: nothingBody,
      responses: answers(deviceShape, '400', '401', '403', '404', '409'),
    }),
  },
  '/v1/devices/{id}/revoke': {
    post: operation('revokeDevice', 'Revoke a device for ever: its sessions end within 5 seconds', {
      requestParams: { path },
      body: revocationBody,
      responses: answers(deviceShape, '400', '401', '403', '404', '409'),
    }),
  },
};
