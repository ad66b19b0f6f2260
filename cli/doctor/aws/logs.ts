import { parseJson } from '#core/json.ts';
import type { Ask } from '../../aws/ask.ts';
import { type Finding, good, unknown, warning } from '../../findings/finding.ts';
import { namesOf, type SeenStack } from './stack.ts';

const HOUR_MS = 3_600_000;
const SHOWN = 3;

interface Event {
  readonly message?: string;
}

/** What the proxy logged of errors in the last hour: the newest, and how many. */
export async function logFindings(stack: SeenStack, ask: Ask, now: number): Promise<readonly Finding[]> {
  const group = namesOf(stack, 'AWS::Logs::LogGroup').find((name) => /Proxy.*Log/.test(name));
  if (group === undefined) return [unknown('log of the proxy', 'the stack has none')];
  const args = ['filter-log-events', '--log-group-name', group, '--start-time', String(now - HOUR_MS)];
  const answer = await ask<{ readonly events?: readonly Event[] }>(
    'logs',
    ...args,
    '--filter-pattern',
    '{ $.level = "error" }',
  );
  if ('refused' in answer) return [unknown('log of the proxy', answer.refused.words)];
  // What an emulator of CloudWatch filters is not what CloudWatch does.
  const errors = (answer.found.events ?? []).flatMap(({ message = '' }) => errorIn(message) ?? []);
  if (errors.length === 0) return [good('log of the proxy', 'no error in the last hour')];
  const words = [...new Set(errors)].slice(-SHOWN);
  const todo = `aws logs tail --since 1h ${group}`;
  return [
    warning('log of the proxy', `${errors.length} errors in the last hour: ${words.join('; ')}`, { todo }),
  ];
}

function errorIn(line: string): string | undefined {
  try {
    const { level, event, message, detail } = parseJson(line) as Readonly<Record<string, string | undefined>>;
    return level === 'error' ? [event, message, detail].filter(Boolean).join(': ') : undefined;
  } catch {
    return undefined;
  }
}
