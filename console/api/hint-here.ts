/** What the API says to do next is meant for the command line as well; who reads it in the browser has the page for it. */
const HERE: readonly (readonly [RegExp, string])[] = [
  [/(?:; |^)log in again: custody login$/, 'sign in again'],
  [/^see what you may use: custody targets$/, 'what you may use, and ask for, is on the page Ask'],
  [/: custody requests$/, ', on the page Requests'],
  [/^see (?:yours|those you may see): custody sessions$/, 'those you may see are on the page Sessions'],
  [/\bsee:? custody run show (\S+)$/, 'see the run $1 on the page Runs'],
  [
    /custody explain says what each rule wants$/,
    'what each rule wants is on the page Gateway, under Explain',
  ],
];

/** A hint in the words of the page; one that is about the command line alone stays as it is. */
export function hintHere(hint: string): string {
  const known = HERE.find(([words]) => words.test(hint));
  return known === undefined ? hint : hint.replace(known[0], known[1]);
}
