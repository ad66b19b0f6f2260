/** Sets the bench's stage and leaves it standing, for profiling by hand: prints a line of JSON for each contender. */
import { setStage } from './stage.ts';

const stage = await setStage((line) => void process.stderr.write(`${line}\n`));
for (const contender of stage.contenders)
  process.stdout.write(`${JSON.stringify({ ...contender, pids: contender.processes() })}\n`);
process.once('SIGTERM', () => void stage.stop().then(() => process.exit(0)));
setInterval(() => undefined, 60_000);
