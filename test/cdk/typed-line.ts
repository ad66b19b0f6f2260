/** Bundled as functions are: says what somebody typed in a terminal, as the reader of recordings there finds it. */
import { ask, ptyRequest, session, stepsOf } from '#test/core/replay/ssh/support.ts';

const peers = session();
peers.run(ptyRequest(80, 24));
peers.run(ask('shell').done());
peers.print('$ ');
for (const key of ['l', 's']) {
  peers.type(key);
  peers.print(key);
}
peers.type('\r');
peers.print('\r\nfile\r\n$ ');
peers.close(0);
const steps = await stepsOf(peers.tape.frames);
process.stdout.write(steps.flatMap(({ command }) => command?.text ?? []).join());
