import { Loading } from '../parts/states.tsx';

export default function AskPage() {
  return (
    <>
      <h1>Ask for access</h1>
      <Loading what="what you may ask for" />
    </>
  );
}
