/** Texts that somebody typed into a form, without spaces around them. */

export function fieldOf(form: HTMLFormElement, name: string): string {
  return textOf(new FormData(form).get(name));
}

export function fieldsOf(form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, textOf(value)]));
}

/** No form of ours takes a file. */
function textOf(value: FormDataEntryValue | null): string {
  return typeof value === 'string' ? value.trim() : '';
}
