import type { Config } from './config.ts';

/** Whom the console's page may ask for tokens: identity providers of people, as custody.yaml has them. Its content policy says so. */
export function signInOrigins({ issuers }: Pick<Config, 'issuers'>): readonly string[] {
  const ofPeople = issuers.filter(({ kind }) => kind === 'person');
  const origins = ofPeople.flatMap(({ issuer, login }) => [
    new URL(issuer).origin,
    ...(login?.console?.origins ?? []),
  ]);
  return [...new Set(origins)];
}
