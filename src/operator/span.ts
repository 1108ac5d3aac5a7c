/** A stretch of work as traces show it. */
export interface Span {
  /** Begins a stretch within this one. */
  child(name: string, attributes?: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  fail(error: unknown): void;
  end(): void;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Where nobody traces. */
export const NO_SPAN: Span = {
  child: () => NO_SPAN,
  set: () => undefined,
  fail: () => undefined,
  end: () => undefined,
};

/** Runs `act` as a stretch within `parent`; what it throws is told there. */
export const traced = async <T>(parent: Span, name: string, act: (span: Span) => Promise<T>): Promise<T> => {
  const span = parent.child(name);
  try {
    return await act(span);
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
};
