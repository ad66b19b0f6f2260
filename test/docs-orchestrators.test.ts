import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

const FILE = new URL('../docs/orchestrators/step-functions/refunds.asl.json', import.meta.url);

/** It has no types of its own. */
const aslValidator = createRequire(import.meta.url)('asl-validator') as (machine: object) => {
  readonly isValid: boolean;
  readonly errors: readonly unknown[];
};

const machine = JSON.parse(readFileSync(FILE, 'utf8')) as object;

it('the state machine of docs/orchestrators is one of Amazon States Language', () => {
  expect(aslValidator(machine)).toMatchObject({ isValid: true, errors: [] });
  const broken = { ...machine, StartAt: 'Nowhere' };
  expect(aslValidator(broken).isValid).toBe(false);
});
