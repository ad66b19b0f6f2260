/** What stands out on a terminal's time: commands, errors, writes, other sizes, its end. */
import type { z } from 'zod';
import type { kubernetesStepShape } from '#core/replay/kubernetes/shape.ts';
import type { sshStepShape } from '#core/replay/ssh/shape.ts';
import type { Step } from '../api/sessions.ts';
import { shown } from '../parts/text.ts';
import type { Tape } from './tape.ts';

export type MarkerKind = 'command' | 'write' | 'error' | 'resize' | 'exit';

export interface Marker {
  readonly at: number;
  readonly kind: MarkerKind;
  /** Safe to be shown. */
  readonly label: string;
}

/** A program with a terminal, or whose output can be shown as if. */
export interface Channel {
  readonly number: number;
  readonly label: string;
  readonly isTerminal: boolean;
}

/** What steps of the protocols with terminals say, where they say it. */
type Said = Partial<Pick<SshStep, 'channel' | 'command'>> & {
  readonly program?: SshStep['program'] | KubernetesStep['program'];
};
type SshStep = z.output<typeof sshStepShape>;
type KubernetesStep = z.output<typeof kubernetesStepShape>;
type TerminalStep = Step & Said;

const LABEL_MAX = 120;
const PROGRAMS = new Set(['shell', 'exec', 'attach']);

/** Those with a terminal first. */
export function channelsOf(steps: readonly Step[]): readonly Channel[] {
  const channels = steps.flatMap(({ kind, channel, command, program }: TerminalStep): Channel[] => {
    if (channel === undefined || program === undefined || !PROGRAMS.has(kind)) return [];
    const isTerminal =
      ('pty' in program && program.pty !== undefined) || ('tty' in program && program.tty === true);
    return [{ number: channel, label: labelOf(command?.text ?? kind), isTerminal }];
  });
  return channels.toSorted((a, b) => Number(b.isTerminal) - Number(a.isTerminal) || a.number - b.number);
}

export function markersOf(
  steps: readonly Step[],
  tape: Tape,
  channel: number | undefined,
): readonly Marker[] {
  const ofSteps = steps
    .filter(
      (step: TerminalStep) => step.channel === undefined || channel === undefined || step.channel === channel,
    )
    .flatMap(markerOf);
  const resizes = tape.resizes.map(
    ({ at, columns, rows }): Marker => ({ at, kind: 'resize', label: `window ${columns}×${rows}` }),
  );
  const { exit } = tape;
  const exits: Marker[] =
    exit === undefined ? [] : [{ at: exit.at, kind: 'exit', label: `exit ${exit.status}` }];
  return [...ofSteps, ...resizes, ...exits].toSorted((a, b) => a.at - b.at);
}

function markerOf({ at, kind, marks, command }: TerminalStep): Marker[] {
  const label = labelOf(command?.text ?? kind);
  if (marks.includes('error')) return [{ at, kind: 'error', label }];
  if (marks.includes('write') && !PROGRAMS.has(kind)) return [{ at, kind: 'write', label }];
  return kind === 'command' ? [{ at, kind, label }] : [];
}

function labelOf(text: string): string {
  const line = shown(text.split('\n', 1)[0]!);
  return line.length > LABEL_MAX ? `${line.slice(0, LABEL_MAX)}…` : line;
}

/** The nearest before or after a moment; what is played just now is no way back. */
export function nextMarker(markers: readonly Marker[], now: number, way: 1 | -1): Marker | undefined {
  return way === 1
    ? markers.find(({ at }) => at > now)
    : markers.findLast(({ at }) => at < now - JUST_NOW_US);
}

const JUST_NOW_US = 500_000;
