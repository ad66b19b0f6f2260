/** What a browser has of core: the verifier and the readers, by their own sources. */
export { asCustodyError, CustodyError } from '#core/errors.ts';
export {
  type EvidenceFolder,
  type Finding,
  type Opening,
  type Reading,
  readEvidence,
  type VerifyReport,
  verdictOf,
  verifyEvidence,
} from '#core/recording/verify/verify.ts';
export { READERS } from '#core/replay/readers.ts';
export { webSha256 } from './platform/web-sha256.ts';
export { loadZstd } from './platform/zstd.ts';
