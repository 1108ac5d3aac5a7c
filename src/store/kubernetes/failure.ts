import { StoreError } from "../store.ts";

/** An answer of the API server that is not what was asked for, or an ERROR in the middle of a watch. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.name = "ApiFailure";
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The message of a Kubernetes Status, or the beginning of whatever came. */
export const messageOf = (body: unknown): string => {
  const { message } = (typeof body === "object" && body !== null ? body : {}) as { message?: unknown };
  return typeof message === "string"
    ? message
    : String(typeof body === "string" ? body : JSON.stringify(body)).slice(0, 300);
};

/** What a failed write means for its writer. */
export const storeErrorOf = (error: unknown, what: string): StoreError => {
  if (error instanceof StoreError) return error;
  const message = `${what}: ${(error as Error).message}`;
  // No answer at all: the write may even have been done; it is one that can be repeated.
  if (!(error instanceof ApiFailure)) return new StoreError("retry", message);
  const { status, retryAfterSeconds } = error;
  if (status === 404) return new StoreError("gone", message);
  // An apply of fields that the schema doesn't know comes back as 500 (Kubernetes 1.36), and always will.
  const isHopeless = status === 500 && error.message.includes("failed to create typed patch object");
  const mayRetry = status === 401 || status === 409 || status === 429 || (status >= 500 && !isHopeless);
  return mayRetry ? new StoreError("retry", message, retryAfterSeconds) : new StoreError("refused", message);
};
