import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Folders that are a protocol's own, and what names it as a word: its prose, its identifiers and its settings. */
const PROTOCOLS = {
  postgres: /postgres|libpq|\bpsql\b|\bpg_|\bPG[A-Z]+\b/i,
  ssh: /(?<![a-z])(?:open)?ssh(?!own)|\bsftp\b|\bscp\b/i,
} as const;
type Protocol = keyof typeof PROTOCOLS;

/** A part of the gateway that knows no protocol must not learn one by accident. */
const PARTS = ['core', 'adapters', 'fargate-proxy', 'lambdas', 'cdk', 'local', 'cli'];

/** What is a protocol's own, wherever it stands. */
const OWN: Readonly<Record<Protocol, RegExp>> = {
  postgres: /\/(?:postgres|database)\/|\/(?:postgres|libpq|rds)[a-z-]*\.ts$/,
  ssh: /\/(?:ssh|ssh-certificates|devices)\/|\/(?:ssh|device)[a-z-]*\.ts$/,
};

/**
 * Files that name a protocol all the same, with why. One that no longer does has to leave the list, so that it only ever gets shorter
 * by work and longer in sight of a reviewer.
 */
const ALLOWED: Readonly<Record<Protocol, readonly string[]>> = {
  postgres: [],
  ssh: [],
};

/** Code alone: a comment may give an example. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

const files = PARTS.flatMap((part) => globSync(`${part}/**/*.ts`)).filter((file) => !file.endsWith('.d.ts'));

describe.each(Object.keys(PROTOCOLS) as Protocol[])('the word %s', (protocol) => {
  const naming = files
    .filter((file) => !OWN[protocol].test(`/${file}`))
    .filter((file) => PROTOCOLS[protocol].test(codeOf(readFileSync(file, 'utf8'))))
    .toSorted();

  it('stands in its own folders, in the lists of protocols, and where a reviewer agreed to it', () => {
    expect(naming).toEqual(ALLOWED[protocol].toSorted());
  });
});
