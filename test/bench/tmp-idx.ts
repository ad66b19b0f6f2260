import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { indexSession } from '#core/replay/index/index-session.ts';
import { opening } from '#test/support/recorder.ts';
const t = performance.now();
await indexSession(opening(1).session, { store: directoryStore('/tmp/rl/store'), signer: fileSigner('/tmp/rl/key') });
console.log(performance.now() - t);
