/** Another process that grows the ledger of a data folder: adds `count` leaves named after itself, stepping all the while. */
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';

const [folder, name, count] = process.argv.slice(2) as [string, string, string];
const queue = localLeafQueue(folder);
const ports = {
  objects: directoryStore(`${folder}/store`),
  head: localLedgerHead(folder),
  queue,
  signer: fileSigner(folder),
};
const sequencer = new Sequencer(ports, LOCAL_ORIGIN);
for (let n = 0; n < Number(count); n += 1) {
  await queue.add(Buffer.from(`${name} ${n}`));
  await sequencer.step();
}
while ((await sequencer.step()).kind !== 'nothing');
