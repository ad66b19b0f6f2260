import { READERS } from '../readers.ts';
import { FORMAT_VERSION } from './format.ts';

/** Of indexes as they are made now, whatever protocol: where it is another, all are looked at again. */
export const INDEX_VERSION = [
  FORMAT_VERSION,
  ...[...READERS].map(([protocol, { version }]) => `${protocol}-${version}`),
].join('/');
