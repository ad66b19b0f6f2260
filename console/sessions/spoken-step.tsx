import { useEffect, useState } from 'preact/hooks';
import type { Step } from '../api/sessions.ts';
import { Loading } from '../parts/states.tsx';
import { shown, shownLines } from '../parts/text.ts';
import { headOf, resultOf } from './step-words.ts';

const WIDTH = 110;

interface SpokenStepProps {
  readonly protocol: string;
  readonly step: Step;
}

/** A step in the words of its protocol's reader, which is loaded for it: what was asked above, all that is known of it below. */
export function SpokenStep({ protocol, step }: SpokenStepProps) {
  const text = useWords(protocol, step);
  const result = resultOf(step);
  return (
    <>
      <pre class="asked" tabIndex={0}>
        {shown(headOf(step))}
      </pre>
      {result !== '' && <p class="outcome">{shown(result)}</p>}
      {text === undefined ? <Loading what="the words for it" /> : <StepWords text={text} />}
    </>
  );
}

/** Changes of an object are marked as a comparison marks them. */
function StepWords({ text }: { readonly text: string }) {
  return (
    <pre class="spoken" tabIndex={0}>
      {text.split('\n').map((line, at) => (
        <span key={at} class={lineClass(line)}>
          {line}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

function lineClass(line: string): string {
  if (/^\s+\+ /.test(line)) return 'added';
  if (/^\s+- /.test(line)) return 'removed';
  return /withheld|left out/.test(line) ? 'withheld' : '';
}

function useWords(protocol: string, { marks: _marks, number: _number, ...json }: Step): string | undefined {
  const [words, setWords] = useState<{ readonly of: string; readonly text: string }>();
  const of = JSON.stringify(json);
  useEffect(() => {
    let isWanted = true;
    import('#core/replay/readers.ts')
      .then(({ READERS }) => READERS.get(protocol)?.ofJson(json).toText(WIDTH) ?? shownLines(of))
      .catch(() => shownLines(JSON.stringify(json, undefined, 2)))
      .then((text) => isWanted && setWords({ of, text }))
      .catch(() => undefined);
    return () => {
      isWanted = false;
    };
  }, [protocol, of]);
  return words?.of === of ? words.text : undefined;
}
