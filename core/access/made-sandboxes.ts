/** Targets that are made: `sandbox: { from }` in custody.yaml. */
import { CustodyError } from '../errors.ts';
import type { Target } from './config.ts';
import type { Address } from './target-schema.ts';

/** What custody.yaml says of how one is made. */
export type MadeSandbox = Exclude<NonNullable<Target['sandbox']>, true>;

/** Undefined for a target that is there by itself, be it a sandbox or not. */
export function madeSandboxOf({ sandbox }: Target): MadeSandbox | undefined {
  return sandbox === true ? undefined : sandbox;
}

interface Located {
  readonly name: string;
  readonly address?: Address | undefined;
}

/** Where a target is. One that is made is nowhere before a session says which of them it means: see `Authorization.placedAt`. */
export function addressOf({ name, address }: Located): Address {
  if (address !== undefined) return address;
  throw new CustodyError('internal', `the target "${name}" is made, and nobody said which of them is meant`);
}
