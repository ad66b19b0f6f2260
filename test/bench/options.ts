/** What `npm run bench` can be told. */
import { parseArgs } from 'node:util';
import { parseVariant, type Variant, variantText } from './variant.ts';

export interface Options {
  readonly rounds: number;
  /** Of each run of pgbench with many clients. */
  readonly seconds: number;
  /** With few. */
  readonly secondsFew: number;
  /** Of the tables. */
  readonly scale: number;
  readonly clients: readonly number[];
  readonly events: boolean;
  readonly variants: readonly Variant[];
  /** Whether gateways are to count where the time of their commits goes. */
  readonly commits: boolean;
  readonly json: string;
  /** What is worth knowing of a run on another machine. */
  readonly told: Readonly<Record<string, number | string>>;
  /** True for what is to be measured. */
  readonly wanted: (workload: string) => boolean;
  readonly competes: (contender: string) => boolean;
}

/** Whom the goals compare. */
const THE_GOALS = [
  'direct-tls',
  'pgbouncer-tls',
  'pgbouncer-tls-both',
  'custody-tls',
  'custody-tls-both',
  'custody-tls-write-ahead',
] as const;

/** Throws where something is written wrongly. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '20' },
      'seconds-few': { type: 'string', default: '8' },
      scale: { type: 'string', default: '1' },
      clients: { type: 'string', default: '1,8,64' },
      contenders: { type: 'string', default: THE_GOALS.join(',') },
      only: { type: 'string', default: '' },
      variant: { type: 'string', multiple: true, default: [] },
      events: { type: 'boolean', default: false },
      commits: { type: 'boolean', default: false },
      json: { type: 'string', default: 'bench.json' },
    },
  });
  const variants = values.variant.map(parseVariant);
  const names = [...values.contenders.split(','), ...variants.map(({ name }) => name)].map(pattern);
  const parts = values.only.split(',');
  return {
    rounds: number('rounds', values.rounds),
    seconds: number('seconds', values.seconds),
    secondsFew: number('seconds-few', values['seconds-few']),
    scale: number('scale', values.scale),
    clients: values.clients.split(',').map((text) => number('clients', text)),
    events: values.events,
    commits: values.commits,
    variants,
    json: values.json,
    told: {
      rounds: number('rounds', values.rounds),
      seconds: number('seconds', values.seconds),
      'seconds with few clients': number('seconds-few', values['seconds-few']),
      scale: number('scale', values.scale),
      ...Object.fromEntries(variants.map((variant) => [variant.name, variantText(variant)])),
    },
    wanted: (workload) => parts.some((part) => workload.includes(part)),
    competes: (contender) => names.some((name) => name.test(contender)),
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`--${name}: ${text} is not a number above 0`);
}

/** A whole name, in which * stands for anything. */
function pattern(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*')}$`);
}
