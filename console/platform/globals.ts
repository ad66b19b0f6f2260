/** What node has everywhere, for sources that are bundled for browsers. */
export { Buffer } from './buffer.ts';
