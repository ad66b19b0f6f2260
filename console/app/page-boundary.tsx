import { Component, type ComponentChildren } from 'preact';
import { Failure } from '../parts/states.tsx';

interface BoundaryProps {
  /** Another page is another try. */
  readonly url: string;
  readonly children: ComponentChildren;
}

interface BoundaryState {
  readonly thrown?: unknown;
  readonly at?: string;
}

/** A page that fails leaves the rest of the console as it is. */
export class PageBoundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = {};

  override componentDidCatch(thrown: unknown): void {
    this.setState({ thrown, at: this.props.url });
  }

  override render() {
    const { thrown, at } = this.state;
    if (thrown === undefined || at !== this.props.url) return this.props.children;
    return (
      <>
        <h1>This page does not work</h1>
        <Failure problem={thrown} onRetry={() => this.setState({ thrown: undefined })} />
      </>
    );
  }
}
