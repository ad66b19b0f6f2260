/** The entry of the thread that looks at texts: one after the other, as they come. */
import { parentPort } from 'node:worker_threads';
import { LocalAnalyst } from '#core/protocols/postgres/shapes/analyse.ts';
import { Parser } from '#core/protocols/postgres/shapes/parser.ts';

const analyst = new LocalAnalyst(await Parser.load());
parentPort?.on('message', (text: string) => parentPort?.postMessage(analyst.analyse(text)));
