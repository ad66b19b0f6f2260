/** What the API takes and answers: types of the very schemas that check it and make its OpenAPI document. */
import type { z } from 'zod';
import type { requestPageShape, requestShape } from '#lambdas/access/shapes.ts';
import type { loginShape } from '#lambdas/login/handler.ts';
import type { person, sessionPageShape, sessionShape, targetsShape } from '#lambdas/shapes.ts';
import type { whoamiShape } from '#lambdas/whoami/handler.ts';

export type Person = z.output<typeof person>;
export type Whoami = z.output<typeof whoamiShape>;
export type Login = z.output<typeof loginShape>;
/** An issuer that people can sign in at. */
export type PersonIssuer = Extract<Login['issuers'][number], { kind: 'person' }>;
export type AccessRequest = z.output<typeof requestShape>;
export type AccessRequestPage = z.output<typeof requestPageShape>;
export type Session = z.output<typeof sessionShape>;
export type SessionPage = z.output<typeof sessionPageShape>;
export type Target = z.output<typeof targetsShape>['targets'][number];
