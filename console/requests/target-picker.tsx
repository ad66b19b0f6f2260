import { useState } from 'preact/hooks';
import type { Target } from '../api/types.ts';
import { useListKeys } from '../parts/list-keys.ts';
import { useQuery } from '../parts/query.ts';
import { shown } from '../parts/text.ts';
import { type AccessWord, accessWord, found } from './targets.ts';

interface PickerProps {
  readonly targets: readonly Target[];
  readonly chosen: Target | undefined;
}

const SHOWN = 60;

/** Targets, those that one has to ask for first; typing narrows them. */
export function TargetPicker({ targets, chosen }: PickerProps) {
  const list = useListKeys<HTMLUListElement>();
  const [wanted, setWanted] = useState('');
  const matching = found(targets, wanted);
  return (
    <section class="target-picker" aria-label="Targets">
      <label>
        Target
        <input
          type="search"
          value={wanted}
          placeholder={`search ${targets.length}`}
          autocomplete="off"
          spellcheck={false}
          data-search
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </label>
      <p class="hint" role="status" aria-live="polite">
        {countText(matching.length)}
      </p>
      <ul ref={list}>
        {matching.slice(0, SHOWN).map((target) => (
          <TargetLine key={target.name} target={target} isChosen={target === chosen} />
        ))}
      </ul>
    </section>
  );
}

function countText(count: number): string {
  if (count === 0) return 'No target has that in its name.';
  return count > SHOWN ? `${count}; the first ${SHOWN} are shown, type to narrow them.` : '';
}

interface TargetLineProps {
  readonly target: Target;
  readonly isChosen: boolean;
}

function TargetLine({ target, isChosen }: TargetLineProps) {
  const { with: changed } = useQuery();
  const { word, tone }: AccessWord = accessWord(target);
  return (
    <li>
      <a
        href={changed({ target: target.name, rule: undefined })}
        aria-current={isChosen ? 'true' : undefined}
        data-item
      >
        <span class="target-name">{shown(target.name)}</span>
        <span class="hint">{shown(target.protocol)}</span>
        <span class={`badge ${tone}`}>{word}</span>
      </a>
    </li>
  );
}
