import { useEffect, useRef } from 'preact/hooks';
import type { Step } from '../api/sessions.ts';
import { Sql } from '../parts/sql.tsx';
import { Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useVirtualRows } from '../parts/virtual.ts';
import type { StepSource } from './step-source.ts';
import { headOf, isSql, resultOf } from './step-words.ts';
import { counted, placeText, tookText } from './words.ts';

const ROW = 34;
/** A pause that is worth a word, microseconds. */
const GAP_US = 30_000_000;

interface StepListProps {
  readonly source: StepSource;
  readonly selected: number | undefined;
  readonly onSelect: (number: number) => void;
  /** Stays at the end while it is there: what comes is seen. */
  readonly follows?: boolean;
}

/** Any number of steps, of which those in sight are in the page. */
export function StepList({ source, selected, onSelect, follows = false }: StepListProps) {
  void source.version.value;
  const { count } = source;
  const virtual = useVirtualRows(count, ROW);
  const { first, last, show } = virtual;
  useEffect(() => source.want(first, last), [source, first, last, count]);
  const place = selected === undefined ? undefined : source.placeOf(selected);
  useEffect(() => {
    if (place !== undefined) show(place);
  }, [source, place]);
  const unseen = useFollowing(follows, count, virtual);
  const move = (event: KeyboardEvent): void => {
    const to = movedTo(event.key, place ?? -1, count, virtual.visible);
    const number = to === undefined ? undefined : source.numberAt(to);
    if (number === undefined) return;
    event.preventDefault();
    onSelect(number);
  };
  const places = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  return (
    <div class="step-list">
      <div
        ref={virtual.box}
        class="steps-box"
        role="listbox"
        aria-label="Steps"
        tabIndex={0}
        aria-activedescendant={
          place !== undefined && place >= first && place <= last ? `step-${selected}` : undefined
        }
        onScroll={virtual.onScroll}
        onKeyDown={move}
      >
        <div role="presentation" class="all" style={{ height: `${virtual.height}px` }}>
          {places.map((at) => (
            <StepRow
              key={at}
              step={source.at(at)}
              before={at === 0 ? undefined : source.at(at - 1)}
              number={source.numberAt(at)}
              place={at}
              count={source.goesOn ? -1 : count}
              top={virtual.top + (at - first) * ROW}
              isSelected={place === at}
              onSelect={onSelect}
            />
          ))}
        </div>
      </div>
      {unseen > 0 && (
        <button type="button" class="primary unseen" onClick={() => show(count - 1)}>
          {counted(unseen, 'new step')} below
        </button>
      )}
      {source.problem.value !== undefined && (
        <Failure problem={source.problem.value} onRetry={() => source.retry()} />
      )}
    </div>
  );
}

interface Scrolled {
  readonly isAtEnd: boolean;
  readonly scroll: number;
  readonly last: number;
  readonly show: (index: number) => void;
}

/** Who has scrolled up stays there: how many have come since, they are told. */
function useFollowing(follows: boolean, count: number, { isAtEnd, scroll, show }: Scrolled): number {
  const seen = useRef(0);
  const wasAtEnd = useRef(true);
  useEffect(() => {
    if (follows && wasAtEnd.current && count > 0) show(count - 1);
  }, [follows, count]);
  // By scrolling alone: what comes moves the end away from who is at it.
  useEffect(() => {
    wasAtEnd.current = isAtEnd;
  }, [scroll]);
  if (isAtEnd || wasAtEnd.current) seen.current = count;
  return follows ? Math.max(0, count - seen.current) : 0;
}

function movedTo(key: string, place: number, count: number, page: number): number | undefined {
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: place + 1,
    ArrowUp: place - 1,
    PageDown: place + page,
    PageUp: place - page,
    Home: 0,
    End: count - 1,
  };
  const to = Object.hasOwn(moves, key) ? moves[key] : undefined;
  return to === undefined ? undefined : Math.min(count - 1, Math.max(0, to));
}

interface StepRowProps {
  readonly step: Step | undefined;
  readonly before: Step | undefined;
  readonly number: number | undefined;
  readonly place: number;
  /** -1 where it is not known. */
  readonly count: number;
  readonly top: number;
  readonly isSelected: boolean;
  readonly onSelect: (number: number) => void;
}

function StepRow({ step, before, number, place, count, top, isSelected, onSelect }: StepRowProps) {
  const isError = step?.marks.includes('error') ?? false;
  const isWrite = step?.marks.includes('write') ?? false;
  const gap = step === undefined || before === undefined ? 0 : step.at - (before.at + before.took);
  return (
    <div
      id={number === undefined ? undefined : `step-${number}`}
      role="option"
      class={`step${isError ? ' error' : ''}${isWrite ? ' write' : ''}${gap >= GAP_US ? ' gap' : ''}`}
      aria-selected={isSelected}
      aria-posinset={place + 1}
      aria-setsize={count}
      style={{ top: `${top}px` }}
      onClick={() => number !== undefined && onSelect(number)}
    >
      {gap >= GAP_US && <span class="pause">{tookText(gap)} of nothing</span>}
      <span class="number">{number}</span>
      {step === undefined ? <span class="head coming">…</span> : <StepLine step={step} />}
    </div>
  );
}

function StepLine({ step }: { readonly step: Step }) {
  const isError = step.marks.includes('error');
  return (
    <>
      <span class="at">{placeText(step.at)}</span>
      <span class="mark">{isError ? 'error' : step.marks.includes('write') ? 'write' : ''}</span>
      <span class="head">
        {isSql(step) ? <Sql text={oneLine(headOf(step))} isInline /> : shown(headOf(step))}
      </span>
      <span class="result">{shown(resultOf(step))}</span>
      <span class="took">{step.took > 0 ? tookText(step.took) : ''}</span>
    </>
  );
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
