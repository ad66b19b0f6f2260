/** What browsers are told with every file of the console, whoever serves it. */

/** `connect`: origins, besides its own, that the page may ask: of identity providers, and where evidence is fetched elsewhere. */
export function consoleHeaders(connect: readonly string[]): Readonly<Record<string, string>> {
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

/** Nothing inline, no frame, nobody else's script, and no text becomes markup (Trusted Types): `wasm-unsafe-eval` lets zstd be compiled. */
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
