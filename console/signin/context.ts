import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Api } from '../api/client.ts';
import type { Whoami } from '../api/types.ts';
import type { SignIn } from './session.ts';

/** Of the page. */
export const SignInContext = createContext<SignIn | undefined>(undefined);

export function useSignIn(): SignIn {
  return useContext(SignInContext)!;
}

export function useApi(): Api {
  return useSignIn().api;
}

/** Only behind a sign-in. */
export function useWho(): Whoami {
  const state = useSignIn().state.value;
  if (state.is !== 'in') throw new Error('nobody is signed in');
  return state.who;
}
