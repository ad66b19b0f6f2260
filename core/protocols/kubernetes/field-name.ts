/** The name that a field selector asks for: `metadata.name=web-0`, alone or with other terms (Kubernetes, "Field Selectors"). */
import { twoReadings } from './request-target.ts';

const NAME = 'metadata.name';

/** `''` where it asks for none, or for all but one. Throws `protocol-violation` for one that could name another. */
export function selectedName(selector: string | null): string {
  if (selector === null || !selector.includes(NAME)) return '';
  if (selector.includes('\\')) throw twoReadings('has an escape in its fieldSelector');
  const names = selector.split(',').flatMap(nameIn);
  if (names.length > 1) throw twoReadings('names more than one object in its fieldSelector');
  return names[0] ?? '';
}

function nameIn(term: string): string[] {
  const [, key, operator, value] = /^([^=!]*)(!=|==|=)(.*)$/s.exec(term) ?? [];
  if (key === undefined || value === undefined) throw twoReadings('has a fieldSelector that selects nothing');
  if (key !== NAME || operator === '!=') {
    if (key.trim() === NAME && key !== NAME) throw twoReadings('has a space in its fieldSelector');
    return [];
  }
  if (!isName(value)) throw twoReadings('names no object in its fieldSelector');
  return [value];
}

function isName(value: string): boolean {
  return /^[!-~]{1,253}$/.test(value) && !/[%/=]/.test(value) && value !== '.' && value !== '..';
}
