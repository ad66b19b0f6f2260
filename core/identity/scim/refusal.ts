import { CustodyError, type ErrorCode } from '../../errors.ts';

/** RFC 7644 section 3.12, table 9, as far as they can happen here. */
const codes = {
  invalidFilter: 'format-invalid',
  tooMany: 'format-invalid',
  uniqueness: 'already-exists',
  invalidSyntax: 'format-invalid',
  invalidPath: 'format-invalid',
  noTarget: 'format-invalid',
  invalidValue: 'format-invalid',
} as const satisfies Readonly<Record<string, ErrorCode>>;

export type ScimType = keyof typeof codes;

/** What a directory asked cannot be done. The hint is its `scimType`: programs go by it. */
export function scimRefusal(type: ScimType, message: string): CustodyError {
  return new CustodyError(codes[type], message, { hint: type });
}

/** The `scimType` of such a refusal. */
export function scimTypeOf({ hint = '' }: CustodyError): ScimType | undefined {
  return Object.hasOwn(codes, hint) ? (hint as ScimType) : undefined;
}
