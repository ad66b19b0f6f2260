/** What each finding means for whoever relies on the evidence. */
import type { FindingCode } from '#core/recording/verify/report.ts';

const SIGNED = 'Somebody changed it after it was signed, or it was never signed by this gateway.';
const OTHER_BYTES = 'What was recorded here is not what is stored here now.';
const LEFT_OUT = 'A part of what was recorded is not here.';
const ADDED = 'It was put there by something else than the recorder. What was recorded is judged without it.';
const UNREADABLE = 'It cannot be read by the format’s rules, so nothing of it counts.';

export const FINDING_MEANINGS: Readonly<Record<FindingCode, string>> = {
  'open-missing': 'Nothing says whose session this was: there is nothing to rely on.',
  'close-missing': 'Nobody sealed it: it goes on, or its gateway died and the sealer has yet to come.',
  'signature-missing': 'A statement that nobody signed could be anybody’s.',
  'signature-invalid': SIGNED,
  'statement-malformed': UNREADABLE,
  'statement-type-unknown':
    'It is of a kind that this verifier does not know: of a newer gateway, or nobody’s.',
  'signer-missing': 'Without the key, no statement can be checked.',
  'signer-malformed': 'Without the key, no statement can be checked.',
  'signer-unanchored':
    'Whoever could have made the evidence could have made this key as well. Compare it below.',
  'signer-untrusted': 'Another key signed this than the one you trust. Do not rely on it; ask the operator.',
  'signer-mismatch': 'The statement says that another key signs it than the one that is offered.',
  'recorder-invalid': 'The opening names no key of the recorder, so nobody vouches for what was recorded.',
  'session-mismatch': 'It belongs to another session than the one you asked for.',
  'open-hash-mismatch': 'Opening and end do not belong together: one of the two was exchanged.',
  'last-hash-mismatch':
    'The end was sealed over another last segment: the recording was cut, continued or exchanged.',
  'totals-mismatch': 'There is more or less here than was sealed.',
  'object-unlisted': ADDED,
  'object-unreadable': 'It could not be read, so what it holds is not known.',
  'object-too-large': 'It is longer than anything that a recorder writes, and was not read.',
  'segment-missing': LEFT_OUT,
  'segment-unlisted': ADDED,
  'segment-malformed': UNREADABLE,
  'segment-empty': 'A recorder writes no empty segment: it was made by something else.',
  'head-signature-invalid': 'The segment was not signed by the recorder of this session.',
  'manifest-misplaced': 'Only the end of a recovered session may be vouched for like this.',
  'head-number-mismatch': 'The segment stands in another place than where it was recorded.',
  'previous-hash-mismatch': 'The segment follows another one than the one that is before it now.',
  'content-length-mismatch': OTHER_BYTES,
  'content-hash-mismatch': OTHER_BYTES,
  'content-invalid': UNREADABLE,
  'frames-mismatch': OTHER_BYTES,
  'bytes-mismatch': OTHER_BYTES,
  'until-mismatch': 'Times in it contradict each other.',
  'ledger-proof-invalid': 'That the session is in the ledger is not proved, or of another ledger than yours.',
  'ledger-proof-mismatch': 'The ledger has another statement of this session than the one that is here.',
  'ledger-proof-incomplete': 'Not all that the ledger must have of this session is proved.',
  'ledger-unanchored':
    'Whoever could have made the evidence could have made this ledger as well. Compare its name below.',
  'task-result-invalid': 'What the task is said to have come to was not signed by this gateway.',
  'task-result-mismatch': 'The result of the task is of something else than this session.',
};
