import { useEffect, useRef, useState } from 'preact/hooks';
import type { Run } from '../api/runs.ts';
import { shown } from '../parts/text.ts';
import { newsOf } from './news.ts';

/** For who listens: what changed since the run was looked at last. */
export function RunNews({ run }: { readonly run: Run }) {
  const before = useRef(run);
  const [words, setWords] = useState('');
  useEffect(() => {
    const news = newsOf(before.current, run);
    before.current = run;
    if (news !== '') setWords(news);
  }, [run]);
  return (
    <p class="visually-hidden" role="status">
      {shown(words)}
    </p>
  );
}
