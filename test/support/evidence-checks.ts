import {
  type Finding,
  type FindingCode,
  type VerifyReport,
  verifyEvidence,
} from '#core/recording/verify/verify.ts';
import {
  buildEvidence,
  encodeContent,
  type Files,
  honestHead,
  type Keys,
  makeKeys,
  memoryFolder,
  SESSION,
  type SegmentInput,
  sealSegment,
  segmentFile,
  spki,
  threeSegments,
} from '#test/support/evidence-builder.ts';

/** Evidence that tests alter, and what they ask the verifier about it. */
export const keys = makeKeys();

export function good(): Files {
  return buildEvidence(keys, threeSegments());
}

export function check(
  files: Files,
  session?: string,
  trustedSigners = [spki(keys.signer)],
): Promise<VerifyReport> {
  return verifyEvidence(memoryFolder(files), { trustedSigners, ...(session !== undefined && { session }) });
}

/** "code object", in the order of the report. */
export function codes(report: VerifyReport): readonly string[] {
  return report.findings.map(({ code, object }) => `${code} ${object}`);
}

export function finding(report: VerifyReport, code: FindingCode): Finding | undefined {
  return report.findings.find((candidate) => candidate.code === code);
}

export function withoutClose(files: Files): Files {
  files.delete('close.json');
  files.delete('close.json.sig');
  return files;
}

/** Swaps two objects. */
export function swap(files: Files, a: string, b: string): Files {
  const [first, second] = [files.get(a)!, files.get(b)!];
  return files.set(a, second).set(b, first);
}

/** Segment 1 with other frames and an honest head over them, signed by `by.recorder`. */
export function resealSegment1(files: Files, input: SegmentInput, by: Keys): Files {
  const head = honestHead(SESSION, 1, input, files.get(segmentFile(0))!);
  return files.set(segmentFile(1), sealSegment(encodeContent(input), head, by.recorder));
}

/** Segment 1 with other content under the head and signature it had. */
export function keepHead(files: Files, content: Uint8Array): Files {
  const trailer = files.get(segmentFile(1))!.subarray(-512);
  return files.set(segmentFile(1), Buffer.concat([content, trailer]));
}
