/** What browsers are told with every answer of the console's address, whoever serves it. */

type Headers = Readonly<Record<string, string>>;

/** `connect`: origins, besides its own, that the page may ask: of identity providers, and where evidence is fetched elsewhere. */
export function consoleHeaders(connect: readonly string[]): Headers {
  return {
    'content-security-policy': contentPolicy(connect),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy':
      'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

/** With what is sent beside the page, of the API and of recordings: data, for programs. A browser is to make nothing else of it. */
export const DATA_HEADERS: Headers = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

/** Where TLS is, it stays: for two years. */
export const ONLY_TLS: Headers = { 'strict-transport-security': 'max-age=63072000; includeSubDomains' };

/** Nothing inline, no frame, nobody else's script, and no text becomes markup (Trusted Types): `wasm-unsafe-eval` lets zstd and the parser of SQL be compiled. */
function contentPolicy(connect: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${["'self'", ...new Set(connect)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

/** How long each may be kept: names of assets say what is in them, the page is asked for anew. */
export function cachingOf({ isImmutable }: { readonly isImmutable: boolean }): string {
  return isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache';
}
