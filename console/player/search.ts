/** Steps that hold a text: in what was asked, in values, rows, messages, paths. Complete over all that steps keep. */
import { pause } from './evidence.ts';
import type { StepStore, StoredStep } from './step-store.ts';

/** Their numbers. `isWanted`: nobody waits any longer. */
export async function findSteps(
  store: StepStore,
  text: string,
  isWanted: () => boolean,
): Promise<readonly number[]> {
  const wanted = text.toLowerCase();
  const found: number[] = [];
  for await (const piece of store.pieces()) {
    if (!isWanted()) return [];
    for (const step of piece) if (holds(step, wanted)) found.push(step.number);
    await pause();
  }
  return found;
}

function holds({ head, json }: StoredStep, wanted: string): boolean {
  return head.toLowerCase().includes(wanted) || isIn(json, wanted);
}

function isIn(value: unknown, wanted: string): boolean {
  if (typeof value === 'string') return value.toLowerCase().includes(wanted);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((part) => isIn(part, wanted));
}
