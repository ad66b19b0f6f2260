/** Runs before anything is painted, as a script of its own: a page that is to be dark is never light first. */
import { chosenTheme, showTheme } from './theme.ts';

showTheme(chosenTheme());
