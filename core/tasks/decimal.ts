/** Decimal numbers as databases write them, compared exactly. */

/** `digits` times ten to the power of `exponent`, without trailing zeros in `digits`; zero is 0, 0. */
export interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

const WRITTEN = /^([+-]?)(\d{0,1000})(?:\.(\d{0,1000}))?(?:[eE]([+-]?\d{1,4}))?$/;

const SMALL = /^-?\d{1,15}$/;

/** A whole number that a double holds exactly, as nearly all are: it is compared without any of the rest. Undefined for every other text. */
export function smallInteger(text: string): number | undefined {
  return SMALL.test(text) ? Number(text) : undefined;
}

/** As `decimalText` of what `decimalOf` makes of it. */
export function smallIntegerText(value: number): string {
  let digits = value;
  let exponent = 0;
  if (digits === 0) return '0';
  for (; digits % 10 === 0; exponent += 1) digits /= 10;
  return exponent === 0 ? `${digits}` : `${digits}e${exponent}`;
}

/** Undefined for what is no finite decimal number, or is longer than any that a contract is about. */
export function decimalOf(text: string): Decimal | undefined {
  const [, sign, whole = '', fraction = '', power = '0'] = WRITTEN.exec(text) ?? [];
  if (sign === undefined || whole + fraction === '') return undefined;
  let digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  let exponent = Number(power) - fraction.length;
  if (digits === 0n) return { digits: 0n, exponent: 0 };
  for (; digits % 10n === 0n; exponent += 1) digits /= 10n;
  return { digits, exponent };
}

/** Negative, zero or positive. */
export function compareDecimals(one: Decimal, other: Decimal): number {
  const exponent = Math.min(one.exponent, other.exponent);
  const difference = scaled(one, exponent) - scaled(other, exponent);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** Two numbers that are equal have one text. */
export function decimalText({ digits, exponent }: Decimal): string {
  return exponent === 0 ? `${digits}` : `${digits}e${exponent}`;
}

export function isWhole({ exponent }: Decimal): boolean {
  return exponent >= 0;
}

function scaled({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to);
}
