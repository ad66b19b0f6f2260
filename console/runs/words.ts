/** What the states of runs and tasks, and kinds of deviations, are called on the page. */
import type { ResultDeviation, RunState, TaskState } from '../api/runs.ts';
import type { FlowState } from './flows.ts';
import type { Left } from './happened.ts';

/** As the badges of parts.css have them. */
export type Tone = 'good' | 'warn' | 'bad' | 'accent' | '';

interface Word {
  readonly word: string;
  readonly tone: Tone;
}

export const RUN_WORDS: Readonly<Record<RunState, Word>> = {
  running: { word: 'running', tone: 'accent' },
  done: { word: 'done', tone: 'good' },
  ended: { word: 'ended', tone: 'warn' },
  expired: { word: 'expired', tone: 'warn' },
};

/** With the mark that `custody run show` has. */
export const TASK_WORDS: Readonly<
  Record<TaskState, Word & { readonly mark: string; readonly means: string }>
> = {
  waiting: { word: 'waiting', tone: '', mark: '·', means: 'tasks before it are not done' },
  ready: { word: 'ready', tone: 'accent', mark: '○', means: 'it may begin' },
  running: {
    word: 'running',
    tone: 'accent',
    mark: '▶',
    means: 'a session has it, or its result is not derived yet',
  },
  kept: { word: 'kept', tone: 'good', mark: '✓', means: 'it kept its contract' },
  deviated: { word: 'deviated', tone: 'bad', mark: '✗', means: 'it left its contract' },
};

export const FLOW_WORDS: Readonly<
  Record<FlowState, Word & { readonly mark: string; readonly means: string }>
> = {
  proved: {
    word: 'proved',
    tone: 'good',
    mark: '✓',
    means: 'all of it is from there, as the result derived from sealed evidence says',
  },
  claimed: {
    word: 'claimed',
    tone: 'warn',
    mark: '?',
    means: 'the task ran, and no result that you may see says so yet',
  },
  differs: {
    word: 'differs',
    tone: 'bad',
    mark: '✗',
    means: 'the result found something that is not from there',
  },
  missing: { word: 'missing', tone: 'bad', mark: '∅', means: 'the result found none of it' },
  expected: { word: 'to come', tone: '', mark: '…', means: 'the task has not run yet' },
};

export const HOW_WORDS: Readonly<Record<Left['how'], Word>> = {
  recorded: { word: 'recorded', tone: 'warn' },
  stopped: { word: 'stopped', tone: 'bad' },
  approved: { word: 'approved', tone: 'good' },
  denied: { word: 'denied', tone: 'bad' },
  asked: { word: 'asked', tone: 'warn' },
};

export const KIND_WORDS: Readonly<Record<ResultDeviation['kind'], string>> = {
  'not-in-contract': 'A command that the contract does not have',
  unreadable: 'A command that cannot be read',
  value: 'A value that is not what it may be',
  origin: 'A value that is not from where it has to be from',
  'too-often': 'A command too often',
  'out-of-order': 'A command out of order',
  rows: 'Another number of rows',
  affected: 'Another number of rows changed',
  columns: 'Other columns',
  error: 'A command that failed',
  slow: 'An answer that took too long',
  input: 'Bytes that are not the input that they have to be',
  missing: 'Something that has to be there is missing',
  'too-late': 'Too late',
  'too-early': 'Too early',
  'ran-already': 'It ran as often as it may',
  setting: 'A setting that may not be set so',
};
