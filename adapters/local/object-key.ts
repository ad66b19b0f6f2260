import { CustodyError } from '#core/errors.ts';

const KEY = /^(?:[a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/;

/** Keys come from layout.ts; anything that could leave the root is a defect or an attack. */
export function checkKey(key: string): string {
  if (!KEY.test(key) || key.includes('..'))
    throw new CustodyError('internal', 'bad object key', { detail: key });
  return key;
}
