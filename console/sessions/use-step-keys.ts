import { useToast } from '../parts/toast.tsx';
import { useKeys } from '../parts/keys.ts';
import type { SessionsApi } from '../api/sessions.ts';
import { useSessionsApi } from './context.ts';
import type { StepSource } from './step-source.ts';

interface StepKeysProps {
  readonly session: string;
  readonly selected: number;
  readonly steps: number;
  readonly source: StepSource;
  readonly onSelect: (number: number) => void;
}

/** Through steps by keys: the next, the next error, the next write. */
export function useStepKeys({ session, selected, steps, source, onSelect }: StepKeysProps): void {
  const api = useSessionsApi();
  const say = useToast();
  const by = (ways: 1 | -1) => (): void => {
    const place = source.placeOf(selected);
    const number = place === undefined ? selected + ways : source.numberAt(place + ways);
    if (number !== undefined && number >= 1 && number <= steps) onSelect(number);
  };
  const find = (what: 'errors' | 'writes', way: 1 | -1) => (): void => {
    findMarked(api, session, what, selected, way)
      .then((number) => {
        if (number !== undefined) onSelect(number);
        else say(`No ${what} ${way === 1 ? 'after' : 'before'} step ${selected}`);
      })
      .catch((thrown: unknown) => say(`It could not be looked for: ${String(thrown)}`));
  };
  useKeys([
    { key: 'n', does: 'Next step', run: by(1) },
    { key: 'p', does: 'Previous step', run: by(-1) },
    { key: 'e', does: 'Next error', run: find('errors', 1) },
    { key: 'E', does: 'Previous error', run: find('errors', -1) },
    { key: 'w', does: 'Next write', run: find('writes', 1) },
    { key: 'W', does: 'Previous write', run: find('writes', -1) },
  ]);
}

/** A page may have looked far and found nothing: it is gone on from there. */
async function findMarked(
  api: SessionsApi,
  session: string,
  what: 'errors' | 'writes',
  from: number,
  way: 1 | -1,
): Promise<number | undefined> {
  const direction = way === 1 ? 'next' : 'previous';
  let cursor: number | undefined = way === 1 ? from : from - 1;
  while (cursor !== undefined) {
    const page = await api.steps(session, { [what]: true, brief: true, limit: 1, direction, cursor });
    const [step] = page.steps;
    if (step !== undefined) return step.number;
    cursor = way === 1 ? page.next : page.previous;
  }
  return undefined;
}
