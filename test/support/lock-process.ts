/** Locks a folder in a process of its own, says so and holds it until killed. */
import { lockFolder } from '#adapters/local/folder-lock.ts';

const lock = lockFolder(process.argv[2]!);
process.stdout.write('locked\n');
process.stdin.on('end', () => lock.release()).resume();
