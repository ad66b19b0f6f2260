import type { News, NewsKind } from '../access/news.ts';

/** Where news are posted to, as custody.yaml declares it. */
export interface Webhook {
  /** A name as all in custody.yaml: lower-case letters, digits and hyphens. Deliveries go by it. */
  readonly name: string;
  /** https, or http on this machine. Whoever knows it can post there: never stored, logged or shown. */
  readonly url: string;
  readonly format: WebhookFormat;
  /** Undefined: all. */
  readonly events?: readonly NewsKind[] | undefined;
  /** Where the secret is that deliveries are signed with. Where there is one, nothing is delivered unsigned. */
  readonly secretFile?: string | undefined;
  readonly secret?: string | undefined;
}

const webhookFormats = ['json', 'slack'] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

export function wants({ events }: Webhook, { kind }: News): boolean {
  return events === undefined || events.includes(kind);
}
