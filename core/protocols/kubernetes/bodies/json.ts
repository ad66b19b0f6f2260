/**
 * JSON as the API server reads it (sigs.k8s.io/json: names in their case, the last of two wins), where no other reader can see
 * something else: what is doubtful is refused.
 */
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { BODY_MAX_DEPTH, type BodyValue, Budget, isList, isObject, unreadable, utf8 } from './value.ts';

export function readJson(bytes: Uint8Array): BodyValue {
  return readJsonText(utf8(bytes));
}

export function readJsonText(text: string): BodyValue {
  const value = parsed(text);
  checkTexts(value, new Budget());
  return value;
}

function parsed(text: string): BodyValue {
  try {
    return parseJson(text, BODY_MAX_DEPTH) as BodyValue;
  } catch (thrown) {
    if (!(thrown instanceof CustodyError)) throw thrown;
    // Its words name the member that is there twice: nothing of a body goes into a refusal.
    throw unreadable(
      thrown.message.includes('twice') ? 'has a name twice in one object' : 'is not JSON, or too deep',
    );
  }
}

/** Half a surrogate pair is U+FFFD to Go: two names may be one there, and a text another. So is a number beyond all numbers. */
function checkTexts(value: BodyValue, budget: Budget): void {
  budget.take();
  if (typeof value === 'string') checkText(value);
  else if (typeof value === 'number') checkNumber(value);
  else if (isList(value)) for (const one of value) checkTexts(one, budget);
  else if (isObject(value))
    for (const name in value) {
      checkText(name);
      checkTexts(value[name]!, budget);
    }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw unreadable('has half a surrogate pair');
}

function checkNumber(number: number): void {
  if (!Number.isFinite(number)) throw unreadable('has a number that is too large');
}
