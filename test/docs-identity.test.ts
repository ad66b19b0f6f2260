/** docs/identity: what people copy from there is taken, and makes of the provider's documented tokens whom the page says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { principalOf } from '#core/identity/from-claims.ts';
import { type Principal } from '#core/identity/principal.ts';

const FOLDER = new URL('../docs/identity/', import.meta.url).pathname;
const pages = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));

const target = `
    protocol: postgres
    address: 127.0.0.1:5432
    database: orders
    credential: { user: app, passwordFile: secret }
    tls: { mode: disable }`;
const targets = `targets:\n  orders-db:${target}\n  orders-prod:${target}\n`;

const blocksOf = (page: string, language: string): string[] =>
  [...readFileSync(join(FOLDER, page), 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, of]) => of === language)
    .map(([, , block]) => block!);

const configsOf = (page: string): Config[] =>
  blocksOf(page, 'yaml')
    .filter((block) => block.startsWith('identity:'))
    .map((block) => parseConfig(`version: 1\n${block}${targets}`, page));

type Claims = Readonly<Record<string, unknown>> & { readonly iss: string; readonly aud: string | string[] };

const tokensOf = (page: string): Claims[] =>
  blocksOf(page, 'json')
    .map((block) => JSON.parse(block) as Claims)
    .filter(({ iss }) => iss !== undefined);

/** Of a token of the page, by the first block that knows its issuer and audience. */
function principalsOf(page: string): Principal[] {
  const issuers = configsOf(page).flatMap((config) => config.issuers);
  return tokensOf(page).map((claims) => {
    const issuer = issuers.find(
      ({ issuer: known, audience }) =>
        known === claims.iss && audience.some((one) => [claims.aud].flat().includes(one)),
    );
    if (issuer === undefined) throw new Error(`${page} has no issuer for its token`);
    return principalOf(claims, issuer, undefined);
  });
}

describe.each(pages)('docs/identity/%s', (page) => {
  it('has blocks for custody.yaml, and all are taken', () => {
    if (page === 'directories.md') return;
    expect(configsOf(page).length).toBeGreaterThan(0);
  });

  it('links to pages that there are', () => {
    const links = [...readFileSync(join(FOLDER, page), 'utf8').matchAll(/\]\(([\w-]+\.md)\)/g)];
    expect(links.map(([, to]) => to).filter((to) => !pages.includes(to!))).toEqual([]);
  });
});

const DANA = 'dana@acme.example';

describe('the documented token of', () => {
  it.each<[page: string, ...principals: Partial<Principal>[]]>([
    ['okta.md', { email: DANA, groups: ['custody-developers'], mfa: true }],
    ['entra.md', { email: DANA, groups: ['0760b6cf-0000-4000-8000-4b78e0739963'] }],
    ['google.md', { email: DANA, groups: [], claims: { hd: 'acme.example' } }],
    ['auth0.md', { email: DANA, groups: ['developers'], issuerSession: 'tGf0sbdTVaUCrsS7VsKdYXkUyQzqxNYj' }],
    ['keycloak.md', { email: DANA, groups: ['developers'] }],
    ['cognito.md', { email: DANA, groups: ['developers'], claims: { token_use: 'id' } }],
    ['dex.md', { email: DANA, groups: ['acme:developers'] }],
    [
      'github-actions.md',
      { workload: true, groups: [], claims: expect.objectContaining({ ref: 'refs/heads/main' }) as never },
    ],
    [
      'gitlab.md',
      { workload: true, claims: expect.objectContaining({ ref_protected: 'true' }) as never },
      { email: DANA, groups: ['acme/developers'] },
    ],
    [
      'kubernetes.md',
      {
        workload: true,
        claims: expect.objectContaining({ 'kubernetes.io.serviceaccount.name': 'reports' }) as never,
      },
    ],
    [
      'aws-workloads.md',
      {
        workload: true,
        claims: expect.objectContaining({
          'https://sts.amazonaws.com/.aws_account': '123456789012',
        }) as never,
      },
    ],
  ])('%s is of whom the page says', (page, ...principals) => {
    expect(principalsOf(page)).toMatchObject(principals);
  });
});
