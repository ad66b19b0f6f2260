import type { DemoPerson } from '#adapters/local/demo-issuer.ts';

export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly location: URL | undefined;
  readonly text: string;
}

/** As much of a browser as the demo identity provider's pages need: cookies by path, redirects, forms. */
export class Browser {
  readonly #cookies = new Map<string, { readonly path: string; readonly pair: string }>();

  get(url: URL): Promise<Page> {
    return this.#request(url, {});
  }

  post(url: URL, fields: Readonly<Record<string, string>>): Promise<Page> {
    return this.#request(url, { method: 'POST', body: new URLSearchParams(fields) });
  }

  /** Follows redirects as long as they stay on the same server. */
  async follow(page: Page): Promise<Page> {
    let at = page;
    while (at.location?.origin === page.url.origin) at = await this.get(at.location);
    return at;
  }

  async #request(url: URL, init: RequestInit): Promise<Page> {
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie: this.#for(url) } });
    for (const line of response.headers.getSetCookie()) this.#keep(line, url);
    const location = response.headers.get('location');
    return {
      url,
      status: response.status,
      location: location === null ? undefined : new URL(location, url),
      text: await response.text(),
    };
  }

  #for({ pathname }: URL): string {
    const fitting = [...this.#cookies.values()].filter(({ path }) => pathname.startsWith(path));
    return fitting.map(({ pair }) => pair).join('; ');
  }

  #keep(line: string, { pathname }: URL): void {
    const [pair = '', ...attributes] = line.split(/; */);
    const [name = ''] = pair.split('=');
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? pathname;
    const gone = attributes.some((attribute) => /^expires=Thu, 01 Jan 1970/i.test(attribute));
    if (gone) this.#cookies.delete(`${path} ${name}`);
    else this.#cookies.set(`${path} ${name}`, { path, pair });
  }
}

/**
 * Goes to `start`, submits the pages it meets as a person would, and resolves with where that ends: the address it is
 * sent to elsewhere, or the last page's own. Rejects with the page's text when it goes round in circles.
 */
export async function choose(browser: Browser, start: URL, person: DemoPerson, userCode = ''): Promise<URL> {
  let page = await browser.follow(await browser.get(start));
  for (let pages = 0; pages < 6; pages += 1) {
    if (page.location !== undefined) return page.location;
    const form = formOf(page);
    if (form === undefined) return page.url;
    const fields = {
      ...form.fields,
      person: person.subject,
      ...('user_code' in form.fields && { user_code: form.fields['user_code'] || userCode }),
    };
    page = await browser.follow(await browser.post(form.action, fields));
  }
  throw new Error(`no way through: ${page.text}`);
}

function formOf({ text, url }: Page): { action: URL; fields: Record<string, string> } | undefined {
  const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
  if (action === undefined) return undefined;
  const inputs = [...text.matchAll(/<input[^>]*>/g)].map(([tag]) => tag);
  const fields = inputs.map((tag) => [attribute(tag, 'name'), attribute(tag, 'value')]);
  return { action: new URL(action, url), fields: Object.fromEntries(fields) };
}

function attribute(tag: string, name: string): string {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
}
