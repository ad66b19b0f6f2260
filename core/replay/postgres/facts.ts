import { type FactsOf, NO_FACTS } from '../facts.ts';
import type { Step } from './step.ts';

/** Loads the server's own parser, by which a command is told apart. */
export async function loadPostgresFacts(): Promise<FactsOf> {
  return ({ step }) => factsOfStep(step as Step);
}

function factsOfStep({ kind, outcome, error, statement, rowCount = 0, bytes }: Step) {
  const isError = outcome === 'failed' || kind === 'error' || kind === 'damaged';
  return {
    ...NO_FACTS,
    isError,
    ...(statement && { text: statement.text }),
    codes: error === undefined ? [] : [error.sqlstate],
    rows: { out: rowCount, written: 0 },
    bytes: { sent: bytes?.client ?? 0, received: bytes?.server ?? 0 },
  };
}
