import type { Contract } from './contract.ts';
import type { Deviation } from './deviation.ts';
import type { ValueFacts } from './values.ts';

/** What is wrong with a SET or RESET, which is no command of the contract; undefined where its `sets` allow it. */
export function settingDeviation(
  { settings }: Pick<Contract, 'settings'>,
  { setting, value }: { readonly setting: string; readonly value: string | null },
  facts: ValueFacts,
): Deviation | undefined {
  const place = settings.get(setting.toLowerCase());
  if (place === undefined) {
    const names = [...settings.keys()];
    const expected = names.length === 0 ? 'no setting that may be set' : `of settings ${names.join(', ')}`;
    return { kind: 'setting', expected, seen: 'another setting is set' };
  }
  const misfit = place.misfit({ kind: 'any', text: value }, facts);
  if (misfit === undefined) return undefined;
  return {
    kind: 'setting',
    expected: `for the setting ${setting.toLowerCase()} ${misfit.expected}`,
    seen: 'it is set to another value',
  };
}
