/** The page of a bundle: the player, and what it is given. Nothing in it comes from a network, and it may reach none. */
import { createHash } from 'node:crypto';

export interface PageParts {
  readonly title: string;
  readonly script: string;
  readonly style: string;
  /** Bundle-format's, as JSON. */
  readonly manifest: object;
}

/** All before the evidence. Scripts and styles run by their hashes alone; `wasm-unsafe-eval` lets zstd be compiled. */
export function pageStart({ title, script, style, manifest }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src '${cspHash(script)}' 'wasm-unsafe-eval'`,
    `style-src '${cspHash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="referrer" content="no-referrer">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<div id="app"><p>This page verifies evidence of a session by a script of its own, which has to be allowed to run.</p></div>',
    `<script type="application/json" id="custody-bundle">${escapeJsonInHtml(JSON.stringify(manifest))}</script>`,
    '',
  ].join('\n');
}

/** One file of evidence: base64 has nothing that a page could take for its own. */
export function pageFile(id: string, content: Uint8Array): string {
  return `<script type="application/octet-stream" id="${id}">${Buffer.from(content).toString('base64')}</script>\n`;
}

export function pageEnd(script: string): string {
  return `<script>${script}</script>\n</body>\n</html>\n`;
}

function cspHash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Names and texts are others': none may end the element. */
function escapeJsonInHtml(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
