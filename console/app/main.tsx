import '../style/main.css';
import { render } from 'preact';
import { SignIn } from '../signin/session.ts';
import { App } from './app.tsx';

const signIn = new SignIn(window, () => Date.now());
const root = document.getElementById('app')!;
root.replaceChildren();
render(<App signIn={signIn} />, root);
signIn.start().catch((thrown: unknown) => {
  root.textContent = `The console cannot be opened: ${String(thrown)}`;
});
