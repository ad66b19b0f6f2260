import { failureWords } from '../failure-words.ts';
import { bad } from '../findings/finding.ts';
import { reach } from '../wire/reach.ts';
import { lookAtTls } from '../wire/tls.ts';
import type { Look } from './listener.ts';
import { shownFindings, UNREACHED } from './shown.ts';

export const kubeLook: Look = async (about, { host, port, caPem }, now) => {
  try {
    const socket = await reach(host, port);
    const trust = { serverName: host, ...(caPem === undefined ? {} : { ca: caPem }) };
    return shownFindings(about, host, await lookAtTls(socket, trust), now);
  } catch (error) {
    return [bad(about, failureWords(error), UNREACHED)];
  }
};
