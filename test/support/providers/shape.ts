/** How one identity provider differs from the others, as its documents and its users' reports have it. */
export interface ProviderShape {
  readonly title: string;
  /** What docs/identity recommends under `identity:`, but for the addresses: `issuer` and `audience` are put in front. */
  readonly recommended: string;
  /** What its issuer ends with. */
  readonly issuerPath: '' | '/';
  /** Whether it sends a browser there. */
  readonly redirects: (redirect: URL) => boolean;
  /** What its own page says when it does not. */
  readonly redirectError: string;
  /** What discovery names, and this client may have. */
  readonly scopes: readonly string[];
  /** Whether others are an error; else they are passed over. */
  readonly strictScopes: boolean;
  readonly hasDeviceFlow: boolean;
  /** What the token endpoint has to be told, and says when it is not. */
  readonly secret?: { readonly value: string; readonly missing: string };
  /** Whether a refresh token comes with a login. */
  readonly refreshes: (scopes: readonly string[], params: URLSearchParams) => boolean;
  readonly rotates: boolean;
  /** What it says to `prompt=consent` of somebody who may not consent. */
  readonly consentError?: string;
  /** Dana's ID token, beside what all have. `scopes` are those that were granted. */
  readonly claims: (scopes: readonly string[]) => Readonly<Record<string, unknown>>;
}

/** Registered as they are written, ports and all. */
export function exactly(...registered: readonly string[]): ProviderShape['redirects'] {
  return ({ href }) => registered.includes(href);
}

/** RFC 8252 section 7.3: whatever the port is. */
export function anyPort(registered: string): ProviderShape['redirects'] {
  return (redirect) => {
    const portless = new URL(redirect);
    portless.port = '';
    return portless.href === registered;
  };
}

export const PORTS = [18_271, 18_272, 18_273];

export function callbacks(host: string): string[] {
  return PORTS.map((port) => `http://${host}:${port}/callback`);
}
