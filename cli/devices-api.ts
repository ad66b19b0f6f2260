/** Registered devices, as far as the CLI uses the API for them. */
import { z } from 'zod';
import { type Api, getJson, postJson } from './api.ts';
import { count, person, text } from './api-shapes.ts';
import { type Pages, type Paging, pagesOf, searchOf } from './paging.ts';

export const deviceStates = ['pending', 'registered', 'revoked'] as const;

const deviceSchema = z.object({
  id: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/),
  name: text,
  type: text,
  owner: person,
  state: z.enum(deviceStates),
  registeredAt: text,
  fido: z.boolean(),
  userVerified: z.boolean(),
  attested: z.boolean(),
  authenticator: z.object({ aaguid: text.optional(), issuer: text.optional() }).optional(),
  approvals: z.array(z.object({ by: person, at: text })),
  needs: z
    .object({ approvals: count, any: z.array(text).optional(), all: z.array(text).optional() })
    .optional(),
  revoked: z.object({ by: person, at: text, reason: text.optional() }).optional(),
  mayApprove: z.boolean(),
});
export type Device = z.infer<typeof deviceSchema>;

const pageSchema = z.object({ devices: z.array(deviceSchema), next: text.optional() });
const challengeSchema = z.object({ challenge: z.string().min(1).max(1024), expiresAt: text });

export interface DeviceFilter {
  readonly person?: string | undefined;
  readonly state?: string | undefined;
}

export interface RegisterBody {
  readonly name: string;
  readonly publicKey: string;
  readonly challenge: string;
  /** Armoured, over the challenge. */
  readonly signature: string;
  /** Base64 of what `ssh-keygen -O write-attestation` wrote. */
  readonly attestation?: string;
}

export function devicePages(api: Api, filter: DeviceFilter, paging: Paging): Pages<Device> {
  return pagesOf(paging, async (page) => {
    const { devices, next } = await getJson(
      api,
      `/v1/devices?${searchOf({ ...page, ...filter })}`,
      pageSchema,
    );
    return { items: devices, next };
  });
}

/** A text to sign, once and within minutes. */
export function deviceChallenge(api: Api): Promise<z.infer<typeof challengeSchema>> {
  return postJson(api, '/v1/devices/challenge', challengeSchema, {});
}

export function registerDevice(api: Api, body: RegisterBody): Promise<Device> {
  return postJson(api, '/v1/devices', deviceSchema, body);
}

/** `hex`: the fingerprint's hash. */
export function stepDevice(api: Api, hex: string, step: 'approve' | 'revoke', body: object): Promise<Device> {
  return postJson(api, `/v1/devices/${hex}/${step}`, deviceSchema, body);
}
