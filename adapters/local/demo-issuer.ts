import { z } from 'zod';
import { demoFile, keptKeys, peopleKeys, readDemoFile, replaceDemoFile, signedBy } from './demo-keys.ts';

/**
 * What the demo identity provider keeps in `<data folder>/oidc/`, so that `custody demo token` can sign an ID token of
 * a demo person without a browser. Whoever can read the folder is everybody: it is for a laptop alone.
 */
export interface DemoIssuer {
  readonly issuer: string;
  readonly audience: string;
}

export type DemoRole = 'developer' | 'reviewer' | 'reviewer-2' | 'auditor' | 'admin';

export interface DemoPerson {
  readonly subject: string;
  readonly name: string;
  readonly email: string;
  readonly groups: readonly string[];
}

export const demoPeople: Readonly<Record<DemoRole, DemoPerson>> = {
  developer: { subject: 'dev-1', name: 'Dana', email: 'dana@example.com', groups: ['developers'] },
  reviewer: { subject: 'rev-1', name: 'Rui', email: 'rui@example.com', groups: ['reviewers'] },
  'reviewer-2': { subject: 'rev-2', name: 'Sam', email: 'sam@example.com', groups: ['reviewers'] },
  auditor: { subject: 'aud-1', name: 'Ada', email: 'ada@example.com', groups: ['auditors'] },
  admin: { subject: 'adm-1', name: 'Pat', email: 'pat@example.com', groups: ['platform'] },
};

const LIFETIME_S = 3600;

const issuerSchema = z.object({ issuer: z.url(), audience: z.string().min(1) });

/** Says under which address the provider runs now, for `demoToken`. */
export function recordDemoIssuer(dataFolder: string, issuer: DemoIssuer): void {
  replaceDemoFile(demoFile(dataFolder, 'issuer.json'), issuer);
}

/** Where the provider runs, or ran last. Throws `not-found` where no local gateway was started. */
export function demoIssuer(dataFolder: string): DemoIssuer {
  return readDemoFile(demoFile(dataFolder, 'issuer.json'), issuerSchema);
}

/** A demo person by role (`developer`) or by name (`dana`). */
export function demoRole(called: string): DemoRole | undefined {
  const roles = Object.keys(demoPeople) as DemoRole[];
  return roles.find((role) => role === called || demoPeople[role].name.toLowerCase() === called);
}

/** An ID token of a demo person that is good for an hour, with `more` claims. Throws `not-found` where no local gateway was started. */
export async function demoToken(
  dataFolder: string,
  role: DemoRole,
  nowMs: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { issuer, audience } = demoIssuer(dataFolder);
  const { subject, name, email, groups } = demoPeople[role];
  const seconds = Math.floor(nowMs / 1000);
  return signedBy(keptKeys(dataFolder, peopleKeys), {
    name,
    email,
    groups,
    ...more,
    iss: issuer,
    aud: audience,
    sub: subject,
    iat: seconds,
    exp: seconds + LIFETIME_S,
  });
}
