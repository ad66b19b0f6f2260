import type { JsonStep, ReadStep } from '../reader.ts';

/** That there was a step of this kind, when, and what came of it; nothing that was said. */
export function withheld({ step: { kind, at, took, outcome } }: ReadStep): ReadStep {
  const step = { kind, at, took, ...(outcome === undefined ? {} : { outcome }), redacted: true } as const;
  return { step, toText: () => kind, toJson: (): JsonStep => ({ ...step }) };
}
