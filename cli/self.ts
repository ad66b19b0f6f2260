/** How somebody else's program runs this very custody. */
import { fileURLToPath } from 'node:url';

/** The file that starts it, for node. */
export const CUSTODY = fileURLToPath(new URL('./custody.mjs', import.meta.url));
