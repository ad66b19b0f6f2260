/** `npm run bench:bundle`: how long a real browser takes to open bundles, and how much memory. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OfflineChromium } from '#test/support/chromium.ts';
import {
  buildEvidence,
  type FrameInput,
  makeKeys,
  type SegmentInput,
} from '#test/support/evidence-builder.ts';
import { captured } from '#test/vectors/postgres/read.ts';

const CUSTODY = new URL('../../cli/custody.mjs', import.meta.url).pathname;
const FRAMES_A_BLOCK = 64;
/** Of rows, hardly compressible, in one answer. */
const ROW_BYTES = 100;

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** A session that asks `queries` times for `rows` rows. */
function* frames(queries: number, rows: number): Generator<FrameInput> {
  let timeUs = 0;
  for (const frame of captured('psql-simple').slice(0, 6)) {
    timeUs = frame.timeUs;
    yield { stream: frame.stream, timeUs, payload: frame.payload };
  }
  const column = Buffer.from('00016461746100000000000000000000190000ffffffff0000', 'hex');
  for (let query = 0; query < queries; query += 1) {
    timeUs += 1000;
    yield {
      stream: 0,
      timeUs,
      payload: message('Q', Buffer.from(`select data from big where n = ${query}\0`)),
    };
    const row = (): Buffer => {
      const text = Buffer.from(randomBytes(ROW_BYTES * 0.75).toString('base64'));
      const head = Buffer.alloc(6);
      head.writeUInt16BE(1);
      head.writeUInt32BE(text.length, 2);
      return message('D', Buffer.concat([head, text]));
    };
    const answer = [
      message('T', column),
      ...Array.from({ length: rows }, row),
      message('C', Buffer.from(`SELECT ${rows}\0`)),
      message('Z', Buffer.from('I')),
    ];
    yield { stream: 1, timeUs: timeUs + 500, payload: Buffer.concat(answer) };
  }
}

function segmentsOf(queries: number, rows: number): SegmentInput[] {
  const segments: SegmentInput[] = [];
  let [blocks, block, bytes]: [FrameInput[][], FrameInput[], number] = [[], [], 0];
  for (const frame of frames(queries, rows)) {
    block.push(frame);
    bytes += frame.payload.length;
    if (block.length < FRAMES_A_BLOCK) continue;
    blocks.push(block);
    block = [];
    if (bytes < 10 << 20) continue;
    segments.push(blocks);
    [blocks, bytes] = [[], 0];
  }
  return [...segments, [...blocks, ...(block.length > 0 ? [block] : [])]];
}

const folder = mkdtempSync(join(tmpdir(), 'custody-bench-bundle-'));
const browser = await OfflineChromium.start();
try {
  for (const [name, queries, rows] of [
    ['1 MB', 200, 60],
    ['100 MB', 20_000, 65],
    ['100,000 steps', 100_000, 1],
  ] as const) {
    const evidence = join(folder, name);
    mkdirSync(evidence);
    for (const [file, bytes] of buildEvidence(makeKeys(), segmentsOf(queries, rows)))
      writeFileSync(join(evidence, file), bytes);
    const page = join(folder, `${queries}.html`);
    const from = performance.now();
    // Nobody is trusted here: it exits with 3.
    const { status } = spawnSync(CUSTODY, ['export', evidence, '--bundle', '--out', page], {
      env: { ...process.env, CUSTODY_HOME: folder },
    });
    const written = performance.now();
    const opened = await browser.open(page);
    await opened.waitForSelector('.verdict', { timeout: 300_000 });
    const shown = performance.now();
    const verdict = await opened.innerText('.verdict h2');
    const steps = await opened.innerText('.legend');
    const heap = await opened.evaluate(
      () => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize,
    );
    const searchFrom = performance.now();
    await opened.fill('[type=search]', `n = ${queries - 1}`);
    await opened.locator('.search', { hasText: /\d step/ }).waitFor({ timeout: 300_000 });
    const found = performance.now();
    console.log(
      `${name}: page of ${(statSync(page).size / 1e6).toFixed(1)} MB (exit ${status}) written in ${((written - from) / 1000).toFixed(1)} s, ` +
        `${verdict} in ${((shown - written) / 1000).toFixed(1)} s, ${steps}, heap ${(heap / 1e6).toFixed(0)} MB, search ${((found - searchFrom) / 1000).toFixed(1)} s`,
    );
    await opened.close();
    rmSync(evidence, { recursive: true });
  }
} finally {
  await browser.stop();
  rmSync(folder, { recursive: true, force: true });
}
