/**
 * The pictures of docs/console, of a gateway at which people did what people do: `npm run console:pictures [-- NAME …]`. It tells what axe finds
 * against each, and fails where that is anything. Chromium, psql, ssh and tmux have to be there.
 */
import { ConsoleBrowser } from '#test/support/console-browser.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { PAGES, type Shown } from './pages.ts';
import { pictures } from './picture.ts';
import { type Story, story } from './story.ts';

const wanted = new Set(process.argv.slice(2));
const isWanted = (name: string): boolean => wanted.size === 0 || wanted.has(name);
const gateway = await startLocalGateway({ args: ['--demo-ssh'] });
const browser = await ConsoleBrowser.start(() => gateway.addresses);
try {
  const faults = await all(gateway, browser, await story(gateway, isWanted('terminal')));
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (thrown) {
  process.stderr.write(gateway.said);
  throw thrown;
} finally {
  await browser.stop();
  await gateway.stop();
}

async function all(at: LocalGateway, people: ConsoleBrowser, told: Story): Promise<readonly string[]> {
  const faults = isWanted('sign-in') ? [...(await wayIn(at, people))] : [];
  for (const shown of PAGES.filter(({ name }) => isWanted(name)))
    faults.push(...(await onePage(shown, people, told)));
  return faults;
}

async function wayIn({ addresses }: LocalGateway, people: ConsoleBrowser): Promise<readonly string[]> {
  const visitor = await people.visitor('reviewer');
  await visitor.page.goto(addresses.api);
  await visitor.page.locator('.sign-in button').waitFor();
  const faults = await pictures(visitor.page, 'sign-in');
  await visitor.close();
  return faults;
}

async function onePage(
  { name, role, path, ready }: Shown,
  people: ConsoleBrowser,
  told: Story,
): Promise<readonly string[]> {
  const visitor = await people.visitor(role);
  try {
    await visitor.open(path(told));
    await ready(visitor.page);
    return [...(await pictures(visitor.page, name)), ...visitor.complaints];
  } catch (thrown) {
    return [`${name}: ${String(thrown)}`];
  } finally {
    await visitor.close();
  }
}
