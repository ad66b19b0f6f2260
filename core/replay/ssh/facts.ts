import { type FactsOf, NO_FACTS } from '../facts.ts';
import type { SshStep } from './step.ts';

const ERRORS: ReadonlySet<string | undefined> = new Set(['failed', 'refused', 'denied']);

export const sshFacts: FactsOf = ({ step }) => {
  const { kind, outcome, command } = step as SshStep;
  const isError = kind === 'damaged' || ERRORS.has(outcome);
  return { ...NO_FACTS, isError, ...(command && { text: command.text }) };
};
