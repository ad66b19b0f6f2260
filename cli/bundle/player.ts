/** `npm run player`: the script of bundles as it is built here, so that one can be compared with it. */
import { createHash } from 'node:crypto';
import { buildPlayer } from './player-build.ts';

const script = await buildPlayer();
const isAsked = process.argv.includes('--sha256');
process.stdout.write(isAsked ? `${createHash('sha256').update(script).digest('hex')}\n` : script);
