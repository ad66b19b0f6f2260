import { failureWords } from '../failure-words.ts';
import { bad, good } from '../findings/finding.ts';
import { firstBytes, reach } from '../wire/reach.ts';
import type { Look } from './listener.ts';
import { UNREACHED } from './shown.ts';

/** RFC 4253 section 4.2: a server says first which protocol it speaks. */
export const sshLook: Look = async (about, { host, port }) => {
  try {
    const socket = await reach(host, port);
    const said = (await firstBytes(socket)).toString('latin1').split('\r\n', 1)[0] ?? '';
    socket.destroy();
    if (said.startsWith('SSH-2.0-')) return [good(about, `it answers: ${said}`)];
    return [bad(about, 'something listens, and does not speak SSH', UNREACHED)];
  } catch (error) {
    return [bad(about, failureWords(error), UNREACHED)];
  }
};
