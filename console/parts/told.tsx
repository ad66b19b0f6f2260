/** A sentence of the gateway's, in which moments are told as everywhere in the console. */
import { shown } from './text.ts';
import { Time } from './time.tsx';

const MOMENT = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

export function Told({ text }: { readonly text: string }) {
  // What a pattern's group takes is at the odd places.
  const parts = shown(text).split(MOMENT);
  return <>{parts.map((part, at) => (at % 2 === 1 ? <Time key={at} at={part} /> : part))}</>;
}
