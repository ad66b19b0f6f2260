import { Loading } from '../parts/states.tsx';

export default function GatewayPage() {
  return (
    <>
      <h1>Gateway</h1>
      <Loading what="the state of the gateway" />
    </>
  );
}
