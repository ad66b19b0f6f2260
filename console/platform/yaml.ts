/** In place of the package `yaml`, which is as large as the rest of a player: what kubectl sends as YAML is JSON, and is read without it. */
import { unreadable } from '#core/protocols/kubernetes/bodies/value.ts';

const never = (): boolean => false;
export const isAlias = never;
export const isMap = never;
export const isNode = never;
export const isScalar = never;

export function visit(): void {}

export function parseAllDocuments(): never {
  throw unreadable('is YAML');
}
