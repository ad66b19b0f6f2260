/** A browser's compiler is its own affair. */
export function setFlagsFromString(): void {}
