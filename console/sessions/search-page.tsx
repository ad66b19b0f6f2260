import { Loading } from '../parts/states.tsx';

export default function SearchPage() {
  return (
    <>
      <h1>Search</h1>
      <Loading what="what you may search" />
    </>
  );
}
