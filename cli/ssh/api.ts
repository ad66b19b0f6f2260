/** What of the API is for SSH: the gateway's own keys, and certificates. */
import { z } from 'zod';
import { type Api, getJson, postJson } from '../api.ts';
import { text } from '../api-shapes.ts';
import { type Pages, type Paging, pagesOf, searchOf } from '../paging.ts';

const line = z.string().min(1).max(24_576);
const serial = z.string().regex(/^\d{1,20}$/);

const gatewaySchema = z.object({
  host: z.string().regex(/^[A-Za-z0-9.:-]{1,255}$/),
  port: z.int().min(1).max(65_535),
  hostKeys: z.array(line).min(1).max(16),
});
export type Gateway = z.infer<typeof gatewaySchema>;

const issuedSchema = z.object({ certificate: line, serial, expiresAt: text });
export type Issued = z.infer<typeof issuedSchema>;

const certificateSchema = z.object({
  serial,
  key: text,
  keyId: text,
  issuedAt: text,
  expiresAt: text,
  target: text.optional(),
  sourceAddress: text.optional(),
  forceCommand: text.optional(),
  revokedAt: text.optional(),
});
export type Certificate = z.infer<typeof certificateSchema>;
const certificatesSchema = z.object({ certificates: z.array(certificateSchema), next: text.optional() });

/** What a certificate is asked for. */
export interface CertificateBody {
  readonly publicKey: string;
  readonly validSeconds?: number;
  readonly target?: string;
  readonly sourceAddress?: string;
  readonly forceCommand?: string;
}

export function getGateway(api: Api): Promise<Gateway> {
  return getJson(api, '/v1/ssh', gatewaySchema);
}

export function issueCertificate(api: Api, body: CertificateBody): Promise<Issued> {
  return postJson(api, '/v1/ssh/certificates', issuedSchema, body);
}

/** One's own, newest first. */
export function certificatePages(api: Api, paging: Paging): Pages<Certificate> {
  return pagesOf(paging, async (page) => {
    const { certificates, next } = await getJson(
      api,
      `/v1/ssh/certificates?${searchOf({ ...page })}`,
      certificatesSchema,
    );
    return { items: certificates, next };
  });
}

const revokedSchema = z.object({ serial, revokedAt: text });

export function revokeCertificate(api: Api, serial: string): Promise<z.infer<typeof revokedSchema>> {
  return postJson(api, `/v1/ssh/certificates/${encodeURIComponent(serial)}/revoke`, revokedSchema, {});
}
